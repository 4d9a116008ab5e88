package lang

func init() {
	register(
		"lost", "将丢失",
		"could not be compared with the backup, newer rows may be lost: %s", "无法与备份比对，可能会丢失较新的行：%s",
		"could not be compared with the backup, newer rows may be lost", "无法与备份比对，可能会丢失较新的行",
		"missing now, so writes after the backup are unknown", "下列表目前不存在，备份之后写入的内容无法得知",
		"missing now, so writes after the backup are unknown: %s",
		"下列表目前不存在，备份之后写入的内容无法得知：%s",
		"not all changed rows can be detected in: %s", "以下表中并非所有被修改的行都能看出：%s",
		"not all changed rows can be detected in", "以下表中并非所有被修改的行都能看出",
		"not all changed rows can be detected", "并非所有被修改的行都能看出",
		"nothing will be lost: the binlog has no later changes", "不会丢失任何数据：binlog 中没有之后的改动",
		"the binlog does not show which rows later transactions changed; there are %d such transactions",
		"有 %d 个之后的事务，binlog 未记录它们改动了哪些行",
		"changes after the end of the available binlog are unknown: %s",
		"现有 binlog 末尾之后的改动无法得知：%s",
		"%s newer rows", "%s 行较新的数据",
		"%s deletions", "%s 次删除",
		"about %s", "约 %s",
		"%s deletions after that moment are lost.", "该时刻之后的 %s 次删除已丢失。",
		"Will be lost: %s.", "将丢失：%s。",
		"will be lost (o): %s in %d tables", "将丢失（按 o 查看）：%s，共 %d 张表",
		"will be lost (o): %s in %d tables; kept in %s", "将丢失（按 o 查看）：%s，共 %d 张表；已保留在 %s",
		"  total: %s", "  合计：%s",
		"after the replay", "回放后",
		"%s has %s rows; how many remain after the replay is unknown: the log has statements instead of rows; "+
			"at least %s are certain", "%s 有 %s 行；回放后剩多少行无法得知：binlog 记录的是语句而不是行，能确定的至少 %s 行",
		"%s has %s rows after the replay, and %s before", "回放后 %s 有 %s 行，此前有 %s 行",
		"the rows of these tables are an estimate: a foreign key may have removed rows, which the log does not name: %s",
		"以下表的行数是估计值：外键可能级联删除了行，binlog 并未记录：%s",
		"The data is that of %s (backup %s of %s + %s transactions of the binlog, to %s).",
		"数据恢复到 %s（备份 %s，备份时刻 %s，再加 binlog 中的 %s 个事务，到 %s）。",
		"shrunk", "数据锐减",
		"the event %s is left disabled; to enable it: ALTER EVENT %s ENABLE",
		"事件 %s 保持禁用；如需启用：ALTER EVENT %s ENABLE",
		"%s is a view: --tables accepts only tables", "%s 是视图：--tables 只接受表",
		"leave it out; views are restored with the whole database", "请去掉它；视图随整个数据库一起恢复",
		"the loaded data", "已导入的数据",
		"the restored tables", "恢复出的表",
		"the old tables", "原表",
		"drop %s", "删除%s",
		"drop loaded", "删除已导入数据",
		"drop restored", "删除恢复出的表",
		"drop the tables that are kept beside the database", "删除保留在数据库旁的表",
		"The database %s is dropped: %s.", "将删除数据库 %s：%s。",
		"After that there is no undo.", "此后无法撤销。",
		"Drop %s: the database %s, of restore %s of %s.", "删除%s：数据库 %s，属于恢复 %s（%s）。",
		"restore %s of %s from %s (%s)", "恢复 %s：%s，来自 %s（%s）",
		"the newest restore of %s, %s, cannot be undone: %s", "%s 最近一次恢复 %s 无法撤销：%s",
		"opsdeck restore status shows which can; name it: opsdeck restore undo ID",
		"opsdeck restore status 会列出可撤销的恢复；请指定：opsdeck restore undo ID",
		"there is no restore of %s for which this is possible: %s", "%s 没有可执行此操作的恢复：%s",
		"it is not over (%s)", "它尚未结束（%s）",
		"it has no emergency backup", "它没有应急备份",
		"its old tables were dropped", "其原表已删除",
		"nothing will be lost: every table was compared with the backup", "不会丢失任何数据：每张表都已与备份逐行比对",
		"%s tables could not be compared completely with the backup (o): newer or changed rows in them may be lost",
		"%s 张表未能与备份完整比对（o）：其中较新或被修改的行可能丢失",
	)
}

func init() {
	register(
		"the file is not SQL text: it is %s", "该文件不是 SQL 文本：它是 %s",
		"unpack or convert it to SQL text first, and name that file", "请先解包或转换为 SQL 文本，再指定该文件",
		"the archive must contain exactly one file", "归档中不是恰好一个文件",
		"unpack it, and name the file of SQL text inside", "请先解包，再指定其中的 SQL 文本文件",
	)
}

func init() {
	register(
		"check that restore: opsdeck restore status", "请查看该次恢复：opsdeck restore status",
		"it contains %s: choose one of these with --from-schema", "其中的库是 %s：请用 --from-schema 选择其一",
		"its manifest names %s; remove --from-schema", "其清单中的库是 %s；请去掉 --from-schema",
		"The database in the dump, if its name differs from the service's.", "转储中的库名（与服务的库名不同时指定）。",
	)
}

func init() {
	register(
		"the list of tables that crash the server cannot be read: %s", "无法读取“一读就使服务器崩溃”的表的清单：%s",
		"remove it if all tables are safe to read again", "如果所有表都可以安全读取，请删除该文件",
		"the server crashed while %s was read, and has not come back", "读取表 %s 时服务器崩溃，且尚未恢复",
		"start the server: this table will not be read again", "请启动服务器：该表不会再被读取",
		"the server crashed while %s was read: it will not be read again", "读取表 %s 时服务器崩溃：不会再读取该表",
		"%s; its error log: %s", "%s；服务器错误日志：%s",
		"this restore replaces it from the backup and moves the damaged table aside unread; use --skip-unreadable",
		"本次恢复会用备份还原该表，损坏的表不经读取直接移到一旁；请使用 --skip-unreadable",
		"to save its newer rows first: start the server with innodb_force_recovery = 1, dump the table, start "+
			"it without",
		"若要先保住其中较新的行：以 innodb_force_recovery = 1 启动服务器，导出该表，再正常启动",
		"%s. %s", "%s。%s",
		"%s. To allow reading it again, remove %s", "%s。如需重新读取该表，请删除 %s",
	)
}
