package lang

func init() {
	register(map[string]string{
		"not a regular expression: %s": "不是正则表达式：%s",
		"%s wants a value":             "%s 后面缺少值",
		"! cannot stand before %s":     "%s 前面不能用 !",
		"no such level: %s (verbose, debug, info, warn, error, fatal; + for that and above)": "没有这个级别：%s（verbose、debug、info、warn、error、fatal；加 + 表示该级别及以上）",
		"not a time: %s (-2h, 14:00, 2026-01-29, 2026-01-29T14:00)":                          "不是时间：%s（-2h、14:00、2026-01-29、2026-01-29T14:00）",
		"took wants a number of ms, or 1.5s":                                                 "took 后面要毫秒数，或 1.5s",
		"is: knows critical and slow":                                                        "is: 只认识 critical 和 slow",
	})
}
