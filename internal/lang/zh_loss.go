package lang

func init() {
	register(map[string]string{
		"could not be compared with the backup, newer rows may be lost: %s":                                    "无法与备份比对，可能会丢失较新的行：%s",
		"could not be compared with the backup, newer rows may be lost":                                        "无法与备份比对，可能会丢失较新的行",
		"not all changed rows can be seen in: %s":                                                              "以下表中并非所有被修改的行都能看出：%s",
		"not all changed rows can be seen in":                                                                  "以下表中并非所有被修改的行都能看出",
		"not all changed rows can be seen":                                                                     "并非所有被修改的行都能看出",
		"nothing will be lost: every table was compared with the backup":                                       "不会丢失任何数据：每张表都已与备份逐行比对",
		"%s tables could not be compared whole with the backup (o): newer or changed rows in them may be lost": "%s 张表未能与备份完整比对（o）：其中较新或被修改的行可能丢失",
	})
}

func init() {
	register(map[string]string{
		"the file is no SQL text: it is %s":                          "该文件不是 SQL 文本：它是 %s",
		"unpack or convert it to SQL text first, and name that file": "请先解包或转换为 SQL 文本，再指定该文件",
		"the archive does not hold exactly one file":                 "归档中不是恰好一个文件",
		"unpack it, and name the file of SQL text inside":            "请先解包，再指定其中的 SQL 文本文件",
	})
}

func init() {
	register(map[string]string{
		"its manifest names %s; leave --from-schema out":                          "其清单中的库是 %s；请去掉 --from-schema",
		"The database in the dump, where it has another name than the service's.": "转储中的库名（与服务的库名不同时指定）。",
	})
}
