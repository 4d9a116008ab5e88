package lang

func init() {
	register(
		"%s has no tables, so there is nothing to back up; verify the backups that exist: opsdeck backup verify "+
			"--all; or restore a file from elsewhere: opsdeck restore --from FILE",
		"%s 中没有表，无可备份；请校验现有备份：opsdeck backup verify --all；或从其他位置的文件恢复：opsdeck restore --from FILE",
	)
}
