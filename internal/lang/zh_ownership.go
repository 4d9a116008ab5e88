package lang

func init() {
	register(
		"made from another server, on the machine %s", "取自另一台数据库服务器，由机器 %s 制作",
		"made from another server, on the machine %s: remove it there, or by hand",
		"取自另一台数据库服务器，由机器 %s 制作：请在那台机器上删除，或手动删除",
		"the record of the servers cannot be read (%s)", "无法读取数据库服务器的记录（%s）",
		"run it again: the backup then gets another name", "请再次运行：备份会使用另一个名称",
		"the endpoint of the copy %s is plain http, which is not allowed", "副本 %s 的 endpoint 是明文 http，未被允许",
		"write it without http://; if there is no TLS, add insecure: true",
		"请去掉 http://；如果对方没有 TLS，请加上 insecure: true",
		"it has the lines access_key: … and secret_key: …", "该文件包含 access_key: … 和 secret_key: … 两行",
		"the ssh key of the copy %s cannot be used", "副本 %s 的 ssh 密钥无法使用",
		"correct identity_file of the copy, or create the key: %s", "请修正该副本的 identity_file，或生成密钥：%s",
		"the copy would keep it only until a newer one is there", "副本只会把它保留到更新的备份到达为止",
		"%s holds only a part of its data: a restore that this machine does not know was stopped while it loaded",
		"%s 只有部分数据：一次本机没有记录的恢复在导入时被中断",
		"resume or abort it on the machine that began it; if the data is whole, drop its table: %s",
		"请在发起恢复的机器上续接或中止；如果数据是完整的，请删除它留下的表：%s",
		"no audit table is configured for %s", "没有为 %s 配置审计表",
		"set audit.table in the configuration", "请在配置中设置 audit.table",
		"the crontab cannot be read", "无法读取 crontab",
		"see why: %s", "查看原因：%s",
		"it is unknown whether a schedule is installed", "无法确定是否安装了定时任务",
	)
}
