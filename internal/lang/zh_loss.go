package lang

func init() {
	register(
		"lost", "将丢失",
		"could not be compared with the backup, newer rows may be lost: %s", "无法与备份比对，可能会丢失较新的行：%s",
		"could not be compared with the backup, newer rows may be lost", "无法与备份比对，可能会丢失较新的行",
		"missing now, so what was written to them after the backup is not known", "下列表目前不存在，备份之后写入的内容无法得知",
		"missing now, so what was written to them after the backup is not known: %s",
		"下列表目前不存在，备份之后写入的内容无法得知：%s",
		"not all changed rows can be seen in: %s", "以下表中并非所有被修改的行都能看出：%s",
		"not all changed rows can be seen in", "以下表中并非所有被修改的行都能看出",
		"not all changed rows can be seen", "并非所有被修改的行都能看出",
		"nothing will be lost: every table was compared with the backup", "不会丢失任何数据：每张表都已与备份逐行比对",
		"%s tables could not be compared whole with the backup (o): newer or changed rows in them may be lost",
		"%s 张表未能与备份完整比对（o）：其中较新或被修改的行可能丢失",
	)
}

func init() {
	register(
		"the file is no SQL text: it is %s", "该文件不是 SQL 文本：它是 %s",
		"unpack or convert it to SQL text first, and name that file", "请先解包或转换为 SQL 文本，再指定该文件",
		"the archive does not hold exactly one file", "归档中不是恰好一个文件",
		"unpack it, and name the file of SQL text inside", "请先解包，再指定其中的 SQL 文本文件",
	)
}

func init() {
	register(
		"check that restore: opsdeck restore status", "请查看该次恢复：opsdeck restore status",
		"it holds %s: choose one of these with --from-schema", "其中的库是 %s：请用 --from-schema 选择其一",
		"its manifest names %s; leave --from-schema out", "其清单中的库是 %s；请去掉 --from-schema",
		"The database in the dump, where it has another name than the service's.", "转储中的库名（与服务的库名不同时指定）。",
	)
}

func init() {
	register(
		"the list of tables that end the server cannot be read: %s", "无法读取“一读就使服务器退出”的表的清单：%s",
		"remove it, if every table may be read again", "如果所有表都可以重新读取，请删除该文件",
		"the server ended when %s was read, and has not come back", "读取表 %s 时服务器退出，且尚未恢复",
		"start the server: this table will not be read again", "请启动服务器：该表不会再被读取",
		"the server ended when %s was read: it is not read again", "读取表 %s 时服务器退出：不会再读取该表",
		"%s; its error log: %s", "%s；服务器错误日志：%s",
		"this restore brings it back from the backup and moves the damaged table aside unread; answer "+
			"--skip-unreadable",
		"本次恢复会用备份还原该表，损坏的表不经读取直接移到一旁；请使用 --skip-unreadable",
		"to save its newer rows first: start the server with innodb_force_recovery = 1, dump the table, start "+
			"it without",
		"若要先保住其中较新的行：以 innodb_force_recovery = 1 启动服务器，导出该表，再正常启动",
		"%s. %s", "%s。%s",
		"%s. To have it read again, remove %s", "%s。如需重新读取该表，请删除 %s",
	)
}
