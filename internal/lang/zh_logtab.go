package lang

func init() {
	register(
		" (as typed; ~ by letters)", "（按原词；~ 按字母）",
		"%s hits by letters", "按字母命中 %s",
		"by letters", "按字母",
		"look for words by their letters in order, or as typed", "按依次出现的字母搜索，或按原词搜索",
		"the query has no plain word", "查询中没有普通词",
	)
}
