package lang

func init() {
	register(map[string]string{
		"Remove one backup by its name.":                                     "按名称删除一个备份。",
		"Also its weekly and monthly names: all names of the same contents.": "同时删除其周备份和月备份名称，即同一内容的所有名称。",
		"At this copy instead of here.":                                      "在此副本处删除，而不是本机。",
		"Show what would be removed, remove nothing.":                        "只显示将删除的内容，不执行删除。",
		"%s will be removed for good, %s become free.":                       "将永久删除 %s，释放 %s。",
		"removed %s, %s free now":                                            "已删除 %s，释放 %s",
		"%s is locked at the copy %s and stays":                              "%s 在副本 %s 处被锁定，予以保留",
		"the newest good backup is then %s":                                  "删除后最新的完好备份为 %s",
		"named to be removed":                                                "按名称指定删除",
		"not named":                                                          "未指定",
		"another name of the same contents, which stay":                      "同一内容的另一个名称，内容保留",
		"%s is a physical backup folder: opsdeck removes none":               "%s 是物理备份目录：opsdeck 不会删除",
		"%s is a backup of %s, not of %s":                                    "%s 是数据库 %s 的备份，不是 %s 的",
		"without it there is no good backup of %s":                           "删除后 %s 就没有完好的备份了",
		"the restore %s cannot be read (%s)":                                 "恢复任务 %s 无法读取（%s）",
		"the restores in %s cannot be read":                                  "%s 中的恢复任务无法读取",
		"a restore that is not finished needs %s":                            "未完成的恢复任务需要 %s",
	})
}
