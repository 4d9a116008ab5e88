package lang

func init() {
	register(
		" (as typed; ~ by letters)", "（按原词；~ 按字母）",
		"%s hits by letters", "按字母命中 %s",
		"by letters", "按字母",
		"Count by the values of a field: level, context, source, took, a name such as orderId or metadata.userId, "+
			"or /RE/ for its first group. Repeat it, or separate names by commas.",
		"按字段的值计数：level、context、source、took，orderId、metadata.userId 这样的名称，或用 /正则/ 取其第一个分组。可重复，或用逗号分隔多个名称。",
		"Percentiles of a number: took (ms), a field, or /RE/; a value such as 1.5s counts in ms.",
		"数值的百分位数：took（毫秒）、字段名或 /正则/；1.5s 这样的值按毫秒计。",
		"Count by stretches of time this long; with --by as a curve for each value.",
		"按这么长的时间段计数；与 --by 同用时，每个值画一条曲线。",
		"Show N values with --by; 0 for all.", "与 --by 同用时显示前 N 个值；0 表示全部。",
		"Sort --by by count, p50, p95, max, sum or name.", "--by 的排序：count、p50、p95、max、sum 或 name。",
		"--by %s: %s", "--by %s：%s",
		"--stat %s: %s", "--stat %s：%s",
		"--over needs a duration such as 1h or 5m", "--over 后面要时长，例如 1h 或 5m",
		"--top cannot be negative", "--top 不能为负数",
		"--sort needs --by", "--sort 须与 --by 同用",
		"--sort %s needs --stat", "--sort %s 须与 --stat 同用",
		"--by, --stat and --over count all that is found: they cannot be used with -f, -A, -B, -C, "+
			"--count, --histogram, --limit, --newest, --rank or --explain",
		"--by、--stat、--over 统计全部命中：不能与 -f、-A、-B、-C、--count、--histogram、--limit、--newest、--rank、--explain 同用",
		"find the slowest contexts", "找出最慢的上下文",
		"see how response times went over six hours", "查看六小时内响应时间的变化",
		"share", "占比",
		"max", "最大",
		"%s others", "其他 %s 个",
		"%s events counted", "共统计 %s 条事件",
		"%s without %s", "%s 条没有 %s",
		"%s without a number in %s", "%s 条的 %s 不是数值",
		"%s without a time", "%s 条没有时间",
		"%s of groups beyond the first %s", "%s 条属于前 %s 个分组以外的值",
		"percentiles are right to three digits", "百分位数精确到三位数字",
		"; ", "；",
		"look for words by their letters in order, or as typed", "按依次出现的字母搜索，或按原词搜索",
		"the query has no plain word", "查询中没有普通词",
	)
}
