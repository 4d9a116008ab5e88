package lang

func init() {
	register(
		"%s is not ssh://[USER@]HOST[:PORT]/PATH", "%s 不是 ssh://[用户@]主机[:端口]/路径 的形式",
		"the name of a log must not contain a password: use a key", "日志名称中不能写密码：请使用密钥",
		"ssh-copy-id %s", "ssh-copy-id %s",
		"ssh cannot be run", "无法运行 ssh",
		"%s does not respond: no data for %s", "%s 没有响应：%s 内未收到任何数据",
		"the ssh session with %s ended", "与 %s 的 ssh 会话已断开",
		"%s on %s cannot be read", "无法读取 %[2]s 上的 %[1]s",
		"%s has no usable stat command", "%s 上没有可用的 stat 命令",
		"%s: its clock cannot be read", "%s：无法读取其时钟",
		"%s: its clock is %s fast compared with this machine's (±%s)", "%s：其时钟比本机快 %s（±%s）",
		"%s: its clock is %s slow compared with this machine's (±%s)", "%s：其时钟比本机慢 %s（±%s）",
		"%s: its clock agrees with this machine's within %s", "%s：其时钟与本机一致（误差 %s 以内）",
		"%s responds again; reading continues where it stopped", "%s 已恢复响应；从中断处继续读取",
		"only the newest %s of %s are read; `opsdeck logs` reads all of it", "只读取 %[2]s 最新的 %[1]s；`opsdeck logs` 可读取全部",
		"%s was truncated, and there is no copy of it: lines written since the last read may be lost",
		"%s 被截断且没有副本：上次读取之后写入的行可能丢失",
		"%s was removed: lines written since the last read may be lost", "%s 已被删除：上次读取之后写入的行可能丢失",
	)
}
