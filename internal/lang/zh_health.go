package lang

func init() {
	register(
		"%s.", "%s。",
		"%s; %s", "%s；%s",
		"%s %s", "%s%s",
		"%s (%s)", "%s（%s）",
		"%s: %s", "%s：%s",

		"Run opsdeck restore.", "请运行 opsdeck restore。",
		"Run opsdeck backup create.", "请运行 opsdeck backup create。",
		"No checks are configured.", "没有配置任何检查项。",
		"Checking: %d of %d checks have finished.", "正在检查：已完成 %d/%d 项。",
		"all %d checks pass", "全部 %d 项检查通过",
		"the check passes", "检查通过",
		"%s; newest good backup from %s", "%s；最新完好备份于 %s",
		"%s; newest good backup %s ago", "%s；最新完好备份在 %s前",
		"%s; %d more problems", "%s；另有 %d 项问题",
		"%s; then: %s", "%s；然后：%s",
		"at %s: %s; %s", "于 %s：%s；%s",
		"%s is %s", "%s：%s",
		"%s since %s", "自 %[2]s 起，%[1]s",
		"critical error in the log at %s (%s ago): %s", "日志于 %s（%s 前）记录严重错误：%s",
		"error in the log at %s (%s ago): %s", "日志于 %s（%s 前）记录错误：%s",
		"at %s", "于 %s",
		"critical error in the log at %s: %s", "日志于 %s 记录严重错误：%s",
		"error in the log at %s: %s", "日志于 %s 记录错误：%s",
		"%s since %s or earlier", "至少自 %[2]s 起，%[1]s",
		"More details: %s", "查看详情：%s",
		"not checked yet", "尚未检查",
		"%s · failure %d of %d", "%s · 失败 %d/%d",
		"%s · pass %d of %d", "%s · 连续正常 %d/%d",
		"%s hangs", "%s 无响应",
		"no response since %s", "自 %s 起一直无响应",
		"no response within %s", "%s 内无响应",
		"the check itself failed", "检查程序自身出错",
		"there is no check %q", "没有名为 %q 的检查",
	)
}

func init() {
	register(
		"%s was not checked", "未检查 %s",
		"the time limit for all checks was over", "全部检查的总时限已到",
		"Give it more time with a longer --timeout.", "请给更长的时间：加大 --timeout。",
	)
}
