package lang

func init() {
	register(map[string]string{
		"read-only mode: opsdeck was started with --read-only": "只读模式：opsdeck 以 --read-only 启动",
	})
}
