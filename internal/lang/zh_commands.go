package lang

func init() {
	register(
		"%s, started at %s, did not stop within %s when asked; opsdeck exited without waiting",
		"%s 于 %s 开始，收到结束要求后 %s 内仍未结束，已强行退出",
		"a file system or a server that it uses does not respond", "它所用的文件系统或服务器没有响应",
		"busy: %s is locked; its holder is not visible from here", "忙：%s 已被锁定，从这里看不到持有者",
		"run as root: fuser -v %s", "以 root 运行：fuser -v %s",
		"busy: %s (pid %d, %s, running since %s) has locked %s", "忙：进程 %s（pid %d，用户 %s，自 %s 起运行）锁定了 %s",
		"gave up: %s has not responded since %s", "已放弃：%s 自 %s 起没有响应",
		"check its file system: df %s", "检查其所在文件系统：df %s",
		"refused: %s", "已拒绝：%s",
		"if its content is right, run: %s", "若内容无误，请运行：%s",
		"it is a symbolic link, and may lead to any file", "是符号链接，可能指向任意文件",
		"it is not a file", "不是普通文件",
		"it has a second hard link, and may be any file", "还有另一个硬链接，可能是任意文件",
		"it belongs to another user (uid %d), who can change it", "属于其他用户（uid %d），该用户可以改动它",
		"every user can write to it", "任何人都可写入",
		"its group can write to it", "所属组可写入",
		"note: other users can list the backup folder %s; restrict it: chmod 700 %s",
		"注意：其他用户可以列出备份目录 %s；收紧权限：chmod 700 %s",
		"--%s cannot be negative", "--%s 不能为负",
		"%s needs a value", "%s 需要一个值",
		"%s must be true or false, not %s", "%s 必须是 true 或 false，而不是 %s",
		"Exit 1 when there is no hit.", "没有命中时退出码为 1。",
	)
}
