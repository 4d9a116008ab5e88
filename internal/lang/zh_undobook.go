package lang

func init() {
	register(
		"rows were deleted or changed by mistake", "误删或误改了数据",
		"If the binlog is archived, restore to the moment before the damage instead: less is lost.",
		"如果已归档 binlog，请改为恢复到损坏之前的时刻：丢失更少。",
		"Find the transaction. In the console: Audit tab, b for the binlog, z for the largest first.",
		"找到该事务。控制台：审计标签页，按 b 查看 binlog，按 z 按行数从多到少排列。",
		"Undo only that transaction, if the log has its rows. Nothing else is lost, the service keeps running.",
		"如果 binlog 中有它的行，只撤销该事务。不丢失其他数据，不停服务。",
		"Rows that were changed again since are conflicts: leave them, or overwrite them.",
		"此后又被改动的行是冲突：保持现状，或覆盖。",
		"After DROP or TRUNCATE of a table: restore that table to just before the transaction.",
		"如果是 DROP 或 TRUNCATE：将该表恢复到该事务之前。",
		"If more is damaged: restore the whole database to just before it.",
		"如果损坏范围更大：将整个库恢复到该事务之前。",
		"If it was the wrong transaction: undo that.", "如果撤销错了事务：撤销这次操作。",
		"Archive the binlog from now on: backup.binlog: follow in the configuration, then install it.",
		"从现在起归档 binlog：在配置中设置 backup.binlog: follow，然后安装。",
		"find the transaction that changed the most rows in the last hour", "查找最近一小时改动行数最多的事务",
		"show how one transaction would be undone, row by row", "逐行显示将如何撤销一个事务",
		"show a restore to a moment between backups", "显示恢复到两次备份之间某一时刻的方案",
	)
}
