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
