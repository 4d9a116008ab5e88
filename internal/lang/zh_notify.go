package lang

func init() {
	register(
		"could not notify %s (%s)", "未能通知 %s（%s）",
		"its limit is reached: %d a minute", "已达到上限：每分钟 %d 条",
		"the TLS certificate is not trusted: %s", "TLS 证书不受信任：%s",
		"the notify target has no url_file", "通知对象没有 url_file",
		"the URL is not usable", "URL 不可用",
		"it answered %d", "对方应答 %d",
		"it answered %d, a redirect; redirects are not followed", "对方应答 %d，是重定向；不跟随重定向",
		"it refused: %s", "对方拒绝：%s",
		"it refused: %d %s", "对方拒绝：%d %s",
		"its answer is not that of %s", "应答不是 %s 的格式",
		"the notify target %s would send its password without TLS", "通知对象 %s 会不经 TLS 发送密码",
		"remove tls: none, or user and password_file", "删去 tls: none，或删去 user 和 password_file",
		"%s holds no certificate in PEM form", "%s 不含 PEM 格式的证书",
		"the sender %q is no address", "发件人 %q 不是邮件地址",
		"a recipient is no address: %s", "收件人中有的不是邮件地址：%s",
		"the mail server refused: %s", "邮件服务器拒绝：%s",
		"the mail server offers no STARTTLS", "邮件服务器不提供 STARTTLS",
		"one of %s", "可选：%s",
	)
}
