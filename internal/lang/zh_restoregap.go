package lang

func init() {
	register(
		"%s is not in the backup; it has %s rows", "%s 不在备份中；现有 %s 行",
		"%s is not in the backup", "%s 不在备份中",
		"%s has %s rows in the backup", "%s 在备份中有 %s 行",
		"%s has %s rows in the backup, and %s before", "%s 在备份中有 %s 行，此前为 %s 行",
		"cannot determine which tables the dump holds: %s", "无法得知该转储包含哪些表：%s",
		"load it beside the database first: opsdeck restore --from %s --to SCHEMA",
		"请先导入到线上库之外：opsdeck restore --from %s --to SCHEMA",
		"the backup holds definitions only, no rows", "该备份只有表结构，没有数据行",
		"the backup holds only the rows of %s where %s", "该备份只包含 %s 中满足 %s 的行",
		"accepted", "已接受",
		"choose another backup: --from; leave the table out: --tables; lose it anyway: --accept-missing %s",
		"选择其他备份：--from；不含该表：--tables；确定要丢弃：--accept-missing %s",
		"%s was passed over: %s", "已跳过 %s：%s",
		"%s has shrunk: %s", "%s 明显变小：%s",
		"These tables may vanish or shrink, though the backup lacks them or most of their rows.",
		"允许这些表消失或变小，尽管备份缺少它们或其大部分行。",
		"accept", "接受",
		"accept that a table vanishes or shrinks, by typing its name, one after the other",
		"逐个输入表名，接受该表消失或变小",
		"no table would vanish or shrink", "没有表会消失或变小",
		"Another backup may hold it. If you type its name, the restore will do without.",
		"其他备份中可能有它。输入表名表示恢复时不要它。",
		"A table that would vanish or shrink", "将会消失或变小的表",
	)
}

func init() {
	register(
		"the answer cannot be left for the worker (pid %d), which waits; it is tried again: %s",
		"无法把答复交给正在等待的工作进程（pid %d），将重试：%s",
		"the restore %s is running: its worker is alive (pid %d)", "恢复 %s 仍在进行：工作进程还在（pid %d）",
	)
}
