package lang

func init() {
	register(
		"%s is not in the backup; it has %s rows", "%s 不在备份中；现有 %s 行",
		"%s is not in the backup", "%s 不在备份中",
		"%s has %s rows in the backup", "%s 在备份中有 %s 行",
		"%s has %s rows in the backup, and %s before", "%s 在备份中有 %s 行，此前为 %s 行",
		"cannot determine which tables the dump contains: %s", "无法得知该转储包含哪些表：%s",
		"load it into another database first: opsdeck restore --from %s --to SCHEMA",
		"请先导入到另一个库：opsdeck restore --from %s --to SCHEMA",
		"the backup contains only definitions, no rows", "该备份只有表结构，没有数据行",
		"the backup contains only the rows of %s where %s", "该备份只包含 %s 中满足 %s 的行",
		"accepted", "已接受",
		"choose another backup: --from; exclude the table: --tables; lose it anyway: --accept-missing %s",
		"选择其他备份：--from；不含该表：--tables；确定要丢弃：--accept-missing %s",
		"%s was skipped: %s", "已跳过 %s：%s",
		"%s has shrunk: %s", "%s 明显变小：%s",
		"Accept that these tables are dropped or shrink, because the backup lacks them or most of their rows.",
		"接受这些表被删除或变小，因为备份缺少它们或其大部分行。",
		"accept", "接受",
		"accept that a table is dropped or shrinks, by typing its name, one at a time",
		"逐个输入表名，接受该表被删除或变小",
		"no table would be dropped or shrink", "没有表会被删除或变小",
		"Another backup may contain it. If you type its name, the restore continues without it.",
		"其他备份中可能有它。输入表名表示恢复时不要它。",
		"A table that would be dropped or shrink", "将被删除或变小的表",
	)
}

func init() {
	register(
		"the answer cannot be handed to the waiting worker (pid %d), retrying: %s",
		"无法把答复交给正在等待的工作进程（pid %d），将重试：%s",
		"the restore %s is running: its worker is alive (pid %d)", "恢复 %s 仍在进行：工作进程还在（pid %d）",
	)
}
