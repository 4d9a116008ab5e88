package lang

func init() {
	register(
		"the binlog of %s would be archived continuously", "会持续归档 %s 的 binlog",
		"the binlog of %s is not being archived: %s", "%s 的 binlog 目前未在归档：%s",
		"the archiving process ended", "归档进程已结束",
	)
}
