package lang

func init() {
	register(map[string]string{
		"there is no table %s": "没有表 %s",
		"the definition of %s changed during the dump; the backup would be of neither state":  "备份期间 %s 的定义发生了变化；得到的备份将两个状态都不是",
		"run it again when no migration is under way":                                         "等没有表结构变更时再运行一次",
		"table %s cannot be read: the server does not know its engine, or it is damaged":      "表 %s 无法读取：服务器不认识它的存储引擎，或者它已损坏",
		"look at it with CHECK TABLE; leave it out with --tables":                             "用 CHECK TABLE 检查它；或用 --tables 把它排除在外",
		"the user may not read the columns of table %s":                                       "该用户无权读取表 %s 的列",
		"the user may not read table %s":                                                      "该用户无权读取表 %s",
		"grant SELECT on the whole database":                                                  "请授予对整个数据库的 SELECT 权限",
		"table %s (%s) keeps its rows elsewhere; a backup cannot hold them faithfully":        "表 %s（%s）的数据存放在别处；备份无法如实保存它们",
		"back it up where its rows are, and leave it out here with --tables":                  "请在数据所在之处备份它，并在这里用 --tables 把它排除在外",
		"--no-history dumps its current rows only":                                            "用 --no-history 只备份它当前的行",
		"the history of table %s goes by transactions and cannot be restored":                 "表 %s 的历史按事务记录，无法恢复",
		"this server cannot restore the history of table %s":                                  "这台服务器无法恢复表 %s 的历史",
		"the user may not read the definition of %s":                                          "该用户无权读取 %s 的定义",
		"grant SHOW VIEW, TRIGGER, EVENT, and for routines SELECT on *.* or SHOW_ROUTINE":     "请授予 SHOW VIEW、TRIGGER、EVENT；对存储过程和函数还需 *.* 上的 SELECT 或 SHOW_ROUTINE",
		"%s no longer works (%s) and could not be restored":                                   "%s 已失效（%s），无法恢复",
		"repair or drop it, or leave it out with --skip-broken":                               "请修复或删除它，或用 --skip-broken 跳过它",
		"the server has no database %s, or the user may not see it":                           "服务器上没有数据库 %s，或者该用户看不到它",
		"the user lacks %s on %s: what it cannot see would be missing from the backup":        "该用户缺少 %s 权限（数据库 %s）：它看不到的东西会从备份中缺失",
		"as an administrator: GRANT %s ON %s.* TO the backup user":                            "以管理员身份执行：GRANT %s ON %s.* TO 备份用户",
		"another session is changing table definitions; the backup would be of neither state": "另一个会话正在修改表定义；得到的备份将两个状态都不是",
		"wait until the migration is through, or give it longer with --lock-wait":             "等表结构变更完成后再试，或用 --lock-wait 延长等待时间",
	})
}
