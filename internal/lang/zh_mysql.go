package lang

func init() {
	register(
		"interrupted", "已中断",
		"the port %q in %s is not a port number", "%[2]s 中的端口 %[1]q 不是端口号",
		"%s holds a password and other users can read it", "%s 含有密码，而且其他用户可以读取",
		"run: chmod 600 %s", "请执行：chmod 600 %s",
		"the options file %s cannot be read", "无法读取选项文件 %s",
		"the CA file %s cannot be read", "无法读取 CA 文件 %s",
		"the CA file %s holds no certificate", "CA 文件 %s 中没有证书",
		"%s:%d: opsdeck cannot do what %q asks for, and does not connect less safely",
		"%s:%d：opsdeck 无法满足 %q 的要求，也不会以更低的安全级别连接",
		"there is %s", "可用的有：%s",
		"it is 0 or 1", "取值为 0 或 1",
		"it is one of %s", "可取值：%s",
		"leave it out", "请去掉该项",
		"leave it out, or put it into a group that opsdeck does not read", "请去掉该项，或移到 opsdeck 不读取的组中",
		"the options file asks for encryption and against it", "选项文件既要求加密又禁用加密",
		"the client certificate %s and its key %s cannot be used", "客户端证书 %s 及其私钥 %s 无法使用",
		"the database settings are not usable", "数据库设置无法使用",
		"the user %s lacks a privilege that this needs", "用户 %s 缺少所需的权限",
		"`opsdeck doctor` lists the missing privileges", "`opsdeck doctor` 会列出缺少的权限",
		"the server at %s has no such database", "服务器 %s 上没有这个数据库",
		"check database.name in the configuration", "请检查配置中的 database.name",
		"MySQL at %s has no connection left to give", "MySQL（%s）的连接数已用完",
		"see Threads_connected against max_connections in `opsdeck status`",
		"请在 `opsdeck status` 中对比 Threads_connected 与 max_connections",
		"MySQL at %s cannot be reached (%s)", "无法连接 MySQL（%s）：%s",
		"is the server running? `opsdeck status` looks at everything around it",
		"服务器在运行吗？`opsdeck status` 会检查相关的一切",
		"MySQL at %s reports an error", "MySQL（%s）报告了错误",
		"somebody ended on the server at %s what opsdeck was doing there (KILL)",
		"有人在服务器（%s）上用 KILL 终止了 opsdeck 正在执行的操作",
		"run it again when you know who did, and why", "请先查明是谁、为何终止，再重新运行",
		"the server at %s has no room left: its disk is full, or a table has reached its size limit",
		"服务器（%s）空间不足：磁盘已满，或某张表已不能再增长",
		"make room on the server, then run the same again", "请先在服务器上腾出空间，再原样重新运行",
		"connection refused", "连接被拒绝",
		"no such socket", "套接字不存在",
		"permission denied", "权限不足",
		"name not found", "找不到主机名",
		"no answer in time", "超时无应答",
		"the connection broke", "连接已断开",
		"what answers is not MySQL", "应答方不是 MySQL",
	)
}

func init() {
	register(
		"the MySQL account of %s is locked", "MySQL 账户 %s 已被锁定",
		"the MySQL password of %s has expired", "MySQL 账户 %s 的密码已过期",
		"MySQL at %s is in offline mode and refuses its users", "MySQL（%s）处于离线模式，拒绝用户连接",
		"MySQL is in offline mode and refuses its users", "MySQL 处于离线模式，拒绝用户连接",
		"the MySQL account of %s has reached one of its limits", "MySQL 账户 %s 已达到其资源上限",
		"MySQL at %s blocks this host after too many connection errors", "连接错误过多，MySQL（%s）已屏蔽本机",
		"MySQL at %s lets nobody log in from this host", "MySQL（%s）不允许任何账户从本机登录",
		"MySQL at %s accepts no connection without TLS", "MySQL（%s）不接受未使用 TLS 的连接",
		"the TLS connection to MySQL at %s failed (%s)", "与 MySQL（%s）的 TLS 连接失败（%s）",
		"the TLS connection to MySQL fails", "与 MySQL 的 TLS 连接失败",
		"what answers at %s is not MySQL", "%s 上应答的不是 MySQL",
		"this user has no permission to open the connection to MySQL at %s", "当前用户无权打开与 MySQL（%s）的连接",
		"MySQL at %s is shutting down", "MySQL（%s）正在关闭",
		"MySQL cannot be reached", "无法到达 MySQL",
		"MySQL does not answer", "MySQL 没有应答",
		"MySQL ends the connection during the login", "MySQL 在登录过程中断开了连接",
		"see who holds the connections: `opsdeck runbook mysql-down`",
		"查看连接被谁占用：`opsdeck runbook mysql-down`",
		"is the server running? `opsdeck runbook mysql-down` says how to start it",
		"服务器在运行吗？启动方法见 `opsdeck runbook mysql-down`",
		"`opsdeck runbook mysql-down` says what to do", "处理步骤见 `opsdeck runbook mysql-down`",
		"check the ssl- settings in the options file (database.options_file); steps: `opsdeck runbook mysql-down`",
		"请检查选项文件（database.options_file）中的 ssl- 设置；步骤见 `opsdeck runbook mysql-down`",
		"Start it: %s; more steps: %s", "启动：%s；更多步骤：%s",
		"Read its log: %s; more steps: %s", "查看其日志：%s；更多步骤：%s",
		"Check user, password and ssl- settings in the options file; more steps: %s",
		"请检查选项文件中的用户、密码和 ssl- 设置；更多步骤：%s",
		"Unlock the account: %s", "解锁该账户：%s",
		"Set a new password: %s", "设置新密码：%s",
		"End the offline mode: %s", "结束离线模式：%s",
		"See who holds the connections: %s", "查看连接被谁占用：%s",
		"Check the ssl- settings in the options file; more steps: %s", "请检查选项文件中的 ssl- 设置；更多步骤：%s",
		"Steps: %s", "步骤：%s",
		"See what the cause is: the sentence names it, and each has its step below.",
		"先看原因：状态的那句话会指明，各原因的处理见下面对应步骤。",
		"It is stopped (connection refused, no such socket): start it, and wait for it.",
		"已停止（连接被拒绝、套接字不存在）：启动它，并等待就绪。",
		"It does not answer: it hangs or has too much to do. Read its log; look at what runs; restart it only "+
			"when nothing moves.",
		"没有应答：卡住或负载过高。查看日志和正在运行的语句；确实毫无进展时才重启。",
		"It has no connection left: see who holds them, end what should not be there, allow more for now.",
		"连接数用尽：查看被谁占用，结束不该存在的连接，暂时调高上限。",
		"The account is locked (3118, 4151): this prints the statement that unlocks it; run that in the same "+
			"client.",
		"账户被锁定（3118、4151）：下面的命令会输出解锁语句，请在同一客户端中执行。",
		"The password has expired (1820, 1862): this prints the statement; put a new password into it and into "+
			"the options file.",
		"密码已过期（1820、1862）：下面的命令会输出语句，填入新密码后执行，并更新选项文件。",
		"The server is in offline mode (3032): somebody put it there. When that work is over:",
		"服务器处于离线模式（3032），是有人设置的。相关工作结束后执行：",
		"User or password is refused, or TLS fails: the server runs. Correct the options file, then check.",
		"用户或密码被拒绝，或 TLS 失败：服务器在运行。请改正选项文件后再检查。",
		"This host is blocked after too many connection errors (1129):", "连接错误过多，本机被屏蔽（1129）：",
		"Only if it does not start because its data are damaged: restore.", "只有因数据损坏而无法启动时，才进行恢复。",
	)
}

func init() {
	register(
		"open transactions and lock waits in MySQL are not visible", "无法查看 MySQL 中未结束的事务和锁等待",
		"Grant it: %s", "授予权限：%s",
	)
}

func init() {
	register(
		"the server offers no TLS", "服务器不提供 TLS",
		"turn TLS on at the server (ssl_cert, ssl_key), or take out of the options file (database.options_file) "+
			"what asks for it",
		"请在服务器上启用 TLS（ssl_cert、ssl_key），或从选项文件（database.options_file）中去掉要求 TLS 的设置",
		"the server's certificate is not from the CA that is trusted here", "服务器证书不是由此处信任的 CA 签发的",
		"set ssl-ca in the options file to the CA's certificate (on the server: SHOW VARIABLES LIKE 'ssl_ca')",
		"请在选项文件中将 ssl-ca 设为该 CA 的证书（在服务器上查看：SHOW VARIABLES LIKE 'ssl_ca'）",
		"the server's certificate is for %s, not for %s", "服务器证书属于 %s，而不是 %s",
		"set host in the options file to a name in the certificate, or check the CA alone with ssl-mode=VERIFY_CA",
		"请在选项文件中将 host 改为证书中的名称，或用 ssl-mode=VERIFY_CA 只校验 CA",
		"the server's certificate is valid from %s to %s only", "服务器证书的有效期仅为 %s 至 %s",
		"renew the certificate on the server; if it is valid, set the clock of this machine",
		"请更新服务器证书；若证书有效，请校准本机时钟",
		"the server does not accept the client certificate: %s", "服务器不接受客户端证书：%s",
		"set ssl-cert and ssl-key in the options file to a pair that the server's CA has signed and that has "+
			"not expired",
		"请在选项文件中将 ssl-cert 和 ssl-key 设为由服务器的 CA 签发且未过期的证书和密钥",
		"the server closed the connection after the client certificate was sent: it probably does not accept it",
		"服务器在收到客户端证书后断开了连接：可能不接受该证书",
		"the server and this side share no TLS version", "服务器与本机没有共同支持的 TLS 版本",
		"compare tls-version in the options file with tls_version of the server",
		"请对照选项文件中的 tls-version 与服务器的 tls_version",
		"MySQL at %s refuses the user or its password, or the account demands TLS (REQUIRE SSL), which is off here",
		"MySQL（%s）拒绝了用户或密码，或者该账户要求 TLS（REQUIRE SSL），而此处 TLS 已关闭",
		"MySQL at %s refuses the user or its password, or the account demands a client certificate (REQUIRE "+
			"X509), and none is set",
		"MySQL（%s）拒绝了用户或密码，或者该账户要求客户端证书（REQUIRE X509），而此处未设置",
		"MySQL at %s refuses the user, its password or its client certificate", "MySQL（%s）拒绝了用户、密码或客户端证书",
		"check user and password in the options file (database.options_file); for an account with REQUIRE SSL "+
			"set ssl-mode=REQUIRED there, in place of skip-ssl",
		"请检查选项文件（database.options_file）中的用户和密码；账户为 REQUIRE SSL 时，请设置 ssl-mode=REQUIRED，取代 skip-ssl",
		"check user and password in the options file (database.options_file); for an account with REQUIRE X509 "+
			"set ssl-cert and ssl-key there",
		"请检查选项文件（database.options_file）中的用户和密码；账户为 REQUIRE X509 时，请设置 ssl-cert 和 ssl-key",
		"check user, password, ssl-cert and ssl-key in the options file (database.options_file)",
		"请检查选项文件（database.options_file）中的用户、密码、ssl-cert 和 ssl-key",
		"user or password refused for %s, or REQUIRE SSL and TLS is off",
		"%s 的用户名或密码被拒绝，或账户要求 REQUIRE SSL 而 TLS 已关闭",
		"user or password refused for %s, or REQUIRE X509 and no client certificate",
		"%s 的用户名或密码被拒绝，或账户要求 REQUIRE X509 而没有客户端证书",
		"user, password or client certificate refused for %s", "%s 的用户名、密码或客户端证书被拒绝",
	)
}

func init() {
	register(
		"the table %s is not defined as in the backup", "表 %s 的定义与备份中的不同",
		"the server writes the definition of %s in other words than %s did", "服务器对 %s 定义的写法与 %s 不同",
		"the server would add a key column to %s, which has no primary key; the loading user needs "+
			"SESSION_VARIABLES_ADMIN to prevent it, or: SET GLOBAL sql_generate_invisible_primary_key = OFF",
		"%s 没有主键，服务器会给它添加一个键列；要避免这一点，载入用户需要 SESSION_VARIABLES_ADMIN 权限，或执行：SET GLOBAL "+
			"sql_generate_invisible_primary_key = OFF",
		"the statements that run in MySQL are not visible", "无法查看 MySQL 中正在运行的语句",
		"%d statements in MySQL run for long", "MySQL 中有 %d 条语句运行时间过长",
		"the longest for %s; limit %s", "最长 %s；上限 %s",
	)
}
