package lang

func init() {
	register(map[string]string{
		"%s came from the copy with another hash than it must have":                                                                        "从副本取回的 %s 哈希与应有的不符",
		"choose another backup, or fetch it again":                                                                                         "请换一个备份，或重新取回",
		"there is no usable backup at the copy %s":                                                                                         "副本 %s 中没有可用的备份",
		"there is no backup %q at the copy %s":                                                                                             "没有备份 %[1]q（副本 %[2]s）",
		"the newest one there: opsdeck restore --from %s:":                                                                                 "那里最新的一个：opsdeck restore --from %s:",
		"the newest one at the copy %s: opsdeck restore --from %s:":                                                                        "副本 %s 中最新的一个：opsdeck restore --from %s:",
		"the backup could not be fetched from the copy %s":                                                                                 "无法从副本 %s 取回备份",
		"fetched from the copy %s, and its hash is the one wanted":                                                                         "已从副本 %s 取回，哈希正确",
		"no room for the fetched backup and the emergency backup: %s free, about %s are needed":                                            "放不下取回的备份和紧急备份：剩余 %s，约需 %s",
		"Fetch %s from the copy %s, prove its hash, and look once more that server and tables are those of this plan. Nothing is changed.": "从副本 %[2]s 取回 %[1]s 并核对哈希，再确认服务器和表与计划一致。不做任何更改。",
		"Choose the backup at the copy %s":                                                                                                 "选择副本 %s 中的备份",
		"look at the copy %s":                                                                                                              "查看副本 %s",
		"Looking at the copy %s …":                                                                                                         "正在查看副本 %s …",
	})
}
