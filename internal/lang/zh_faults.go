package lang

// Sentences of what is found wrong with backups, copies and their servers.
func init() {
	register(
		"the dump is truncated, and the rest of it does not contain the database %s", "转储文件不完整，现存部分中没有库 %s",
		"only the definitions of these tables are in the backup, their rows are elsewhere: %s",
		"这些表在备份中只有定义，数据在别处：%s",
		"only the definitions of %d tables without rows of their own were compared", "%d 张表自身没有数据，只核对了定义",
		"busy: %s on %s (pid %d) holds the lock of %s on the server for %s since %s",
		"忙：%s（主机 %s，pid %d）在服务器上持有库 %s 的锁，用于 %s，自 %s 起",
		"busy: another opsdeck (connection %s) holds the lock of %s on the server",
		"忙：另一个 opsdeck（连接 %s）在服务器上持有库 %s 的锁",
		"busy: another opsdeck (connection %s of %s from %s) holds the lock of %s on the server",
		"忙：另一个 opsdeck（连接 %s，用户 %s，来自 %s）在服务器上持有库 %s 的锁",
		"no data came from the server at %s for %s, and it is doing nothing more for this session: the connection "+
			"is stalled",
		"%s 上的服务器已有 %s 没有传来任何数据，且服务器端已没有该会话要做的事：连接已停滞",
		"the drill was interrupted; this says nothing about the backup: %s", "演练中断，不能说明备份有问题：%s",
		"the smoke test %s was not run: it needs tables that are not restored", "冒烟测试 %s 未执行：它需要未恢复的表",
		"definition only", "仅定义",
		"use a complete dump", "请使用完整的转储文件",
		"the foreign key %s of %s refers to a table that is missing: %s", "外键 %s（表 %s）引用的表不存在：%s",
		"%s has %s rows without a matching row in %s (foreign key %s)", "%s 中有 %s 行引用了 %s 中不存在的行（外键 %s）",
		"%s, as in the backup", "%s，与备份中相同",
		"the server was restarted after the emergency backup; cannot tell whether %s was written to",
		"服务器在应急备份之后重启过，无法判断 %s 是否被写入",
		"%s was written to after its emergency backup: the loaded backup and the emergency backup lack those changes",
		"%s 在应急备份之后被写入：已导入的备份和应急备份都不含这些更改",
		"The loaded data is complete. To back up the current state again and swap: %s.",
		"已导入的数据完整。要重新备份当前状态后再切换：%s。",
		"swap now; what was written since is only in the old tables", "立即切换；此后写入的数据只保留在原表中",
		"stop the service, back up the current state again, then continue", "停止服务，重新备份当前状态，然后继续",
		"the server runs with innodb_force_recovery: it reads damaged data, and must not be written to",
		"服务器以 innodb_force_recovery 方式运行：只用于读取损坏的数据，不能写入",
		"save what can be read: opsdeck backup create; then restart the server without it, on an empty data folder if it does not start, and restore",
		"先备份还能读取的数据：opsdeck backup create；然后去掉该设置并重启服务器（无法启动时使用空的数据目录），再恢复",
		"MySQL runs with innodb_force_recovery=%s", "MySQL 以 innodb_force_recovery=%s 运行",
		"damaged data can be read, nothing can be restored", "可以读取损坏的数据，但无法恢复",
		"it could not be tried whether tables can be swapped: %s", "无法试验表能否切换：%s",
		"the server cannot create tables: %s", "服务器无法建表：%s",
		"find the cause in the server's error log", "请在服务器的错误日志中查找原因",
	)
}
