package lang

// What watch looks at besides the checks of Status.
func init() {
	register(
		"cannot read the metrics", "无法读取指标",
		"the answer is not in Prometheus' text format", "应答不是 Prometheus 文本格式",
		"the share of 5xx answers is not known", "5xx 应答占比未知",
		"no metric counts answers by status: set metrics.requests", "没有按状态码计数的指标：请设置 metrics.requests",
		"not read twice yet", "尚未读取两次",
		"5xx: %s, answers in %s: %d", "5xx：%s，%s 内的应答数：%d",
		"the P95 of the answers is not known", "应答的 P95 未知",
		"no answers in %s", "%s 内没有应答",
		"no metric tells how long answers took: set metrics.duration", "没有应答耗时的指标：请设置 metrics.duration",
		"it is over %s, the last bound of the buckets", "超过 %s，即最后一个桶的上界",
		"P95 of the answers: %s", "应答的 P95：%s",
		"the resident memory is not known", "常驻内存未知",
		"no metric is called %s", "没有名为 %s 的指标",
		"resident memory: %s", "常驻内存：%s",
		"share of 5xx answers", "5xx 应答占比",
		"P95 of the answers", "应答的 P95",
		"resident memory", "常驻内存",
		"%q is not a URL: write http://localhost:3000/metrics", "%q 不是 URL：请写成 http://localhost:3000/metrics",
	)
}
