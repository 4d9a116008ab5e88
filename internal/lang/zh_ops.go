package lang

func init() {
	register(
		"ok", "正常",
		"warning", "警告",
		"critical", "严重",
		"unknown", "未知",
	)
}
