package lang

func init() {
	register(
		"the file system of %s is read-only", "%s 所在的文件系统是只读的",
		"%s is on a network file system that must be mounted again (stale file handle)",
		"%s 所在的网络文件系统须重新挂载（文件句柄已失效）",
		"the disk of %s reports errors", "%s 所在的磁盘报告错误",
		"%s is not a folder, or its link leads nowhere", "%s 不是目录，或其链接指向的位置不存在",
		"Find the cause: %s", "查找原因：%s",
		"find the cause: %s", "查找原因：%s",
		"backups cannot be written to %s: no backup can be made, and no emergency backup before a restore",
		"备份无法写入 %s：无法制作备份，也无法在恢复前制作应急备份",
		"the emergency backup cannot be written: %s", "应急备份无法写入：%s",
		"find the cause: %s; to restore without an emergency backup, add --without-backup %s",
		"查找原因：%s；如果不做应急备份就恢复，请加上 --without-backup %s",
	)
}
