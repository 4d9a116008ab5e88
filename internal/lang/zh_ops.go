package lang

func init() {
	register(map[string]string{
		"ok":       "正常",
		"warning":  "警告",
		"critical": "严重",
		"unknown":  "未知",
	})
}
