package lang

func init() {
	register(map[string]string{
		"interrupted":                                                           "已中断",
		"the port %q in %s is not a port number":                                "%[2]s 中的端口 %[1]q 不是端口号",
		"%s holds a password and others can read it":                            "%s 含有密码，而且其他用户可以读取",
		"run: chmod 600 %s":                                                     "请执行：chmod 600 %s",
		"the options file %s cannot be read":                                    "无法读取选项文件 %s",
		"the CA file %s cannot be read":                                         "无法读取 CA 文件 %s",
		"the CA file %s holds no certificate":                                   "CA 文件 %s 中没有证书",
		"the database settings are not usable":                                  "数据库设置无法使用",
		"MySQL at %s refuses the user or its password":                          "MySQL（%s）拒绝了用户或密码",
		"check user and password in the options file (database.options_file)":   "请检查选项文件（database.options_file）中的用户和密码",
		"the user %s lacks a right that this needs":                             "用户 %s 缺少所需的权限",
		"`opsdeck doctor` lists the rights that are missing":                    "`opsdeck doctor` 会列出缺少的权限",
		"the server at %s has no such database":                                 "服务器 %s 上没有这个数据库",
		"check database.name in the configuration":                              "请检查配置中的 database.name",
		"MySQL at %s has no connection left to give":                            "MySQL（%s）的连接数已用完",
		"see Threads_connected against max_connections in `opsdeck status`":     "请在 `opsdeck status` 中对比 Threads_connected 与 max_connections",
		"MySQL at %s cannot be reached (%s)":                                    "无法连接 MySQL（%s）：%s",
		"is the server running? `opsdeck status` looks at everything around it": "服务器在运行吗？`opsdeck status` 会检查相关的一切",
		"MySQL at %s reports an error":                                          "MySQL（%s）报告了错误",
		"connection refused":                                                    "连接被拒绝",
		"no such socket":                                                        "套接字不存在",
		"permission denied":                                                     "权限不足",
		"name not found":                                                        "找不到主机名",
		"no answer in time":                                                     "超时无应答",
		"the connection broke":                                                  "连接已断开",
		"what answers is not MySQL":                                             "应答方不是 MySQL",
	})
}
