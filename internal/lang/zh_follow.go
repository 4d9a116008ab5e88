package lang

func init() {
	register(
		"the binary log of %s would be archived all the time", "会持续归档 %s 的 binlog",
		"the binary log of %s is not archived now: %s", "%s 的 binlog 目前未在归档：%s",
		"the follower ended", "归档进程已结束",
	)
}
