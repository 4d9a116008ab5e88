package lang

func init() {
	register(
		"Address to listen on; the default is reachable from this machine only.", "监听地址；默认只能从本机访问。",
		"Serve health endpoints and Prometheus metrics over HTTP.", "通过 HTTP 提供健康检查端点和 Prometheus 指标。",
		"serving the health of %s on http://%s/health/ready", "正在 http://%[2]s/health/ready 提供 %[1]s 的健康状态",
		"%s as opsdeck sees it", "opsdeck 所见的 %s",
		"something listens on %s already", "已有程序在监听 %s",
		"find it with: ss -ltnp; or choose another with --listen", "用 ss -ltnp 找出它；或用 --listen 另选地址",
		"this user has no permission to listen on %s", "此用户无权监听 %s",
		"choose a port above 1023 with --listen", "请用 --listen 选择 1023 以上的端口",
		"%s is not an address to listen on", "%s 不是可监听的地址",
		"write it as 127.0.0.1:3080", "请写成 127.0.0.1:3080",
	)
}
