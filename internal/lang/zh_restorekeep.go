package lang

func init() {
	register(
		"keeping the loaded data", "保留已导入的数据，线上库不动",
		"the loaded data is kept in %s", "已导入的数据保留在 %s",
		"resume it: opsdeck restore resume %s", "续接：opsdeck restore resume %s",
		"remove it: opsdeck restore drop-old %s", "删除它：opsdeck restore drop-old %s",
		"    The loaded data is kept in %s. Resume: opsdeck restore resume %s",
		"    已导入的数据保留在 %s。续接：opsdeck restore resume %s",
		"restore %s: %s; the loaded data is kept in %s", "恢复 %s：%s；已导入的数据保留在 %s",
		"the service remains stopped", "服务保持停止",
		"%s is as it was before; this did not change it.", "%s 与恢复前一样；这一步没有改动它。",
		"the database %s does not exist", "库 %s 不存在",
		"tables are missing in %s: %s", "%s 中缺少表：%s",
		"the database %s has no tables", "数据库 %s 中没有表",
		"the service is not started: %s", "未启动服务：%s",
		"could not check what %s contains now: %s", "无法查看 %s 现在的内容：%s",
		"The database %s does not exist now.", "数据库 %s 现在不存在。",
		"Missing or unreadable in %s now: %s", "%s 中现在缺失或无法读取：%s",
		"Empty in %s now, though they were restored with rows: %s", "%s 中现在为空，但恢复时有数据：%s",
		"the previous state is back, and the service remains stopped: its database is incomplete",
		"已恢复到之前的状态，但服务保持停止：其数据库不完整",
		"the previous state is back, but the service is not ready", "已恢复到之前的状态，但服务未就绪",
		"The service remains stopped: its database is incomplete.", "服务保持停止：其数据库不完整。",
		"The loaded data is kept in %s. Resume: opsdeck restore resume %s. Remove it: opsdeck restore drop-old %s",
		"已导入的数据保留在 %s。续接：opsdeck restore resume %s；删除：opsdeck restore drop-old %s",
		"loaded, not swapped", "已导入、未切换",
	)
}

func init() {
	register(
		"the restore %s cannot be read, so it may be unfinished", "无法读取恢复 %s，它可能尚未完成",
		"check its folder; if it has ended: opsdeck restore set-aside %s",
		"请查看其目录；确认已结束后：opsdeck restore set-aside %s",
		"    It may be unfinished. Check its folder; if it has ended: opsdeck restore set-aside %s",
		"    它可能尚未完成。请查看其目录；确认已结束后：opsdeck restore set-aside %s",
		"Do not start anything by hand before you know the state of the restores: opsdeck restore status",
		"在弄清恢复状态之前不要手动启动任何东西：opsdeck restore status",
		"Set aside an unreadable restore, so that it no longer blocks others; check it first.",
		"将无法读取的恢复移开，使其不再妨碍其他操作；请先检查。",
		"The restore's id again, to confirm without a terminal.", "再给出一次该恢复的编号，用于在没有终端时确认。",
		"the restore %s is readable: no need to set it aside", "恢复 %s 可以读取：无需移开",
		"The restore %s will be set aside. If it is unfinished, the database may be half restored and the service "+
			"stopped.",
		"恢复 %s 将被移开。若它尚未完成，数据库可能只恢复了一半，服务也可能处于停止状态。",
		"set aside: %s", "已移开：%s",
		"  its folder: %s", "  其目录：%s",
		"  its journal's last line, of %s: %s", "  其日志的最后一行，时间 %s：%s",
		"  find its databases: SHOW DATABASES LIKE '%s'", "  查找它的库：SHOW DATABASES LIKE '%s'",
		"  look whether the service runs: opsdeck status", "  查看服务是否在运行：opsdeck status",
	)
}
