package lang

func init() {
	register(map[string]string{
		"keeping what was loaded beside the database":                                 "保留已加载的数据，正式库不动",
		"what was loaded is kept in %s":                                               "已加载的数据保留在 %s",
		"go on with it: opsdeck restore resume %s":                                    "以此继续：opsdeck restore resume %s",
		"remove it: opsdeck restore drop-old %s":                                      "删除它：opsdeck restore drop-old %s",
		"    What was loaded is kept in %s. Go on with it: opsdeck restore resume %s": "    已加载的数据保留在 %s。以此继续：opsdeck restore resume %s",
		"restore %s: %s; what was loaded is kept in %s":                               "恢复 %s：%s；已加载的数据保留在 %s",
		"the service was left stopped":                                                "服务保持停止",
		"%s is as it was before; nothing of it was changed by this.":                  "%s 与恢复前一样；这一步没有改动它。",
		"the database %s does not exist":                                              "数据库 %s 不存在",
		"tables are missing in %s: %s":                                                "%s 中缺少表：%s",
		"the database %s holds no table":                                              "数据库 %s 中没有任何表",
		"the service is not started: %s":                                              "未启动服务：%s",
		"What %s holds now could not be looked at: %s":                                "无法查看 %s 现在的内容：%s",
		"The database %s does not exist now.":                                         "数据库 %s 现在不存在。",
		"Missing or unreadable in %s now: %s":                                         "%s 中现在缺失或无法读取：%s",
		"Empty in %s now, though they were restored with rows: %s":                    "%s 中现在为空，但恢复时有数据：%s",
		"The service was left stopped: its database is not whole.":                    "服务保持停止：其数据库不完整。",
		"What was loaded is kept in %s. Go on with it: opsdeck restore resume %s. Remove it: opsdeck restore drop-old %s": "已加载的数据保留在 %s。以此继续：opsdeck restore resume %s；删除：opsdeck restore drop-old %s",
		"loaded, not exchanged": "已加载、未切换",
	})
}
