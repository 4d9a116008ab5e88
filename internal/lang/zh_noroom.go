package lang

func init() {
	register(
		"    The database %s could not be removed. Remove it: opsdeck restore drop-old %s",
		"    库 %s 未能删除。删除：opsdeck restore drop-old %s",
		"The database %s, which only this restore used, could not be removed. Remove it: opsdeck restore drop-old %s",
		"仅供本次恢复使用的库 %s 未能删除。删除：opsdeck restore drop-old %s",
		"the server at %s has not finished a commit since %s; the usual cause is a full disk",
		"%s 上的服务器自 %s 起一直没有完成某次提交；通常是磁盘已满",
		"the server at %s cannot write its binlog: the disk of %s is full",
		"%s 上的服务器无法写入 binlog：%s 所在的磁盘已满",
		"the server at %s accepts no writes: its disk is full, and statements have waited for space since %s",
		"%s 上的服务器无法写入：磁盘已满，自 %s 起有语句在等待磁盘空间",
		"the server at %s accepts no writes: the disk of %s is full, and statements have waited for space since %s",
		"%s 上的服务器无法写入：%s 所在的磁盘已满，自 %s 起有语句在等待磁盘空间",
		"free space on the server: %s; the server then continues within a minute",
		"请在服务器上释放空间：%s；之后服务器会在一分钟内自动继续",
		"free space on the server: %s", "请在服务器上释放空间：%s",
		"the disk of MySQL's binlog, %s, has %s free", "MySQL 的 binlog 所在磁盘（%s）剩余 %s",
		"MySQL has not finished a commit for %s", "MySQL 有一次提交已 %s 未完成",
		"MySQL accepts no writes: its disk is full", "MySQL 无法写入：磁盘已满",
		"MySQL accepts no writes: the disk of %s is full", "MySQL 无法写入：%s 所在的磁盘已满",
		"the usual cause is a full disk of the binlog", "通常是 binlog 所在磁盘已满",
		"the next write waits until there is space for the binlog", "下一次写入会一直等待，直到 binlog 有空间",
		"statements that wait for space: %s, the longest for %s", "等待空间的语句：%s 条，最长已等待 %s",
		"binlog disk: %s free, up to %s needed", "binlog 所在磁盘：剩余 %s，最多需要 %s",
		"the disk of the server's binlog, %s, is not visible from here", "在本机无法查看服务器 binlog 所在的磁盘 %s",
		"not enough space for the server's binlog: %s has %s free, about %s needed",
		"服务器 binlog 空间不足：%s 剩余 %s，约需 %s",
		"the server's binlog may fill its disk: %s has %s free, up to %s needed",
		"服务器 binlog 可能写满磁盘：%s 剩余 %s，最多需要 %s",
	)
}
