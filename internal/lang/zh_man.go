package lang

func init() {
	register(
		// The manual page.
		"Without a command opsdeck opens the console.", "不带命令时，opsdeck 打开控制台。",
		"Each command does one of its tasks from a shell; --json is for programs.",
		"每个命令在 shell 中完成其中一项工作；--json 供程序使用。",
		"Results go to standard output, progress and errors to standard error.", "结果写到标准输出，进度和错误写到标准错误。",
		"`opsdeck doctor` prints the GRANT statements that are missing.", "`opsdeck doctor` 会给出缺少的 GRANT 语句。",
		"done", "完成",
		"the command line is wrong, or --read-only refused it", "命令行有误，或被 --read-only 拒绝",
		"busy, or the server cannot be reached: try again", "忙，或无法连接服务器：请重试",
		"the configuration cannot be used", "配置不可用",
		"0 ok, 1 warning, 2 critical, 3 unknown", "0 正常，1 警告，2 严重，3 未知",
		"this user's configuration", "当前用户的配置",
		"the machine's configuration, if the user has none", "本机的配置（用户没有自己的配置时）",
		"root's record of operations, restores, drills and locks", "root 的操作记录、恢复、演练和锁",
		"the same for other users", "其他用户的同类文件",
		"the contents of the backup FILE, and the hashes to verify it", "备份 FILE 的内容及用于校验的哈希",
		"login and TLS of the database; passwords come only from here", "数据库登录与 TLS 设置；密码只从这里读取",
		"the language, if neither --lang nor the configuration sets it", "语言（--lang 和配置都未指定时）",
		"the time zone for display", "显示时间所用的时区",
		"no colour", "不使用颜色",
		"instead of ~/.config and ~/.local/state", "代替 ~/.config 和 ~/.local/state",
		"check the database and the backups", "检查数据库和备份",
		"errors of the last two hours that contain a word", "两小时内含某个词的错误",
		"make a backup", "做一次备份",
		"show what a restore of the newest good backup would do", "显示恢复最新完好备份会做什么",
		"write what a user did to standard output", "把某用户的操作写到标准输出",
		"complete commands and names in bash", "在 bash 中补全命令和名称",
	)
}
