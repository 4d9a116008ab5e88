package lang

func init() {
	register(
		"Flags without a command, as for %s", "不写命令时的选项（同 %s）",
		"there is no command or argument %s: did you mean %s?", "没有命令或参数 %s：是否想写 %s？",
		"there is no command or argument %s", "没有命令或参数 %s",
		"there is no flag %s: did you mean %s?", "没有选项 %s：是否想写 %s？",
		"there is no flag %s", "没有选项 %s",
		"needs one of: %s", "需要以下之一：%s",
		"missing: %s", "缺少：%s",
		"%s must be one of %s, not %s", "%s 必须是 %s 之一，而不是 %s",
		"%s must be a number, not %s", "%s 必须是数字，而不是 %s",
		"%s must be a duration such as 90s, 15m or 26h, not %s", "%s 必须是时长，如 90s、15m 或 26h，而不是 %s",
		"%s and %s cannot be used together", "%s 与 %s 不能同时使用",
	)
}
