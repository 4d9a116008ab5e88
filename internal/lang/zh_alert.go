package lang

func init() {
	register(
		"pending", "待确认",
		"firing", "告警中",
		"acknowledged", "已确认",
		"silenced", "已静默",
		"resolved", "已恢复",
		"the state of the alerts cannot be read", "无法读取告警状态",
		"the state of the alerts was written by a newer opsdeck: %s", "告警状态由更新版本的 opsdeck 写入：%s",
		"update this program; `opsdeck watch` of this version sets the file aside",
		"请更新本程序；此版本的 `opsdeck watch` 会将该文件移到一旁",
		"the state of the alerts is damaged: %s", "告警状态文件已损坏：%s",
		"start `opsdeck watch`: it sets the file aside and begins anew",
		"启动 `opsdeck watch`：它会将该文件移到一旁并重新开始",
		"`opsdeck watch` is not running: this is how it was when it last ran",
		"`opsdeck watch` 未在运行：以下是它上次运行时的状态",
		"no alerts", "没有告警",
		"%s (%d times)", "%s（%d 次）",
		"%s · silenced: %s", "%s · 已静默：%s",
		"%s · acknowledged by %s", "%s · 已由 %s 确认",
		"Show the alerts: firing, acknowledged, silenced and resolved.", "显示告警：告警中、已确认、已静默和已恢复的。",
		"Also the alerts resolved in the last seven days, not the last 24 hours alone.",
		"也显示最近七天内恢复的告警，而不只是最近 24 小时。",
	)
}
