package lang

// Sentences of a restore in place whose load was interrupted, and of what others wrote then.
func init() {
	register(
		"the replay of the binlog had begun; what others wrote to %s meanwhile cannot be distinguished from it",
		"binlog 回放已经开始，无法区分其他人在此期间写入 %s 的数据",
		"… and %s more tables", "… 另有 %s 张表",
		"%s: %s rows inserted, %s changed, %s deleted since the load", "%s：导入后新增 %s 行，修改 %s 行，删除 %s 行",
		"created in %s since the load: %s", "导入后在 %s 中新建：%s",
		"created in %s after the emergency backup: %s", "应急备份之后在 %s 中新建：%s",
		"changed in %s after the emergency backup: %s", "应急备份之后在 %s 中被修改：%s",
		"dropped in %s after the emergency backup: %s", "应急备份之后从 %s 中删除：%s",
		"whether the definitions of %s were changed after the emergency backup is unknown",
		"应急备份之后 %s 的定义是否被修改：未知",
		"cannot tell whether the definitions of %s were changed after the emergency backup: %s",
		"无法判断 %s 的定义在应急备份之后是否被修改：%s",
		"cannot tell whether others wrote to these tables: %s", "无法判断其他人是否写入了这些表：%s",
		"the rows of %s cannot be compared with %s", "无法将 %s 中的行与 %s 比较",
		"Nothing was changed now. To back up the current state first and restore then: %s.",
		"目前未做任何更改。要先备份当前状态再恢复：%s。",
		"others wrote to %s after the restore had begun to load into it; no backup has those changes",
		"恢复开始导入之后，其他人写入了 %s；任何备份都不含这些更改",
		"the current state of %s was backed up first", "已先备份 %s 的当前状态",
		"end the restore; leave the database as it is now", "结束本次恢复；数据库保持现状",
		"rows in %s now: %s", "%s 目前的行数：%s",
		"the restore %s of %s came after it and is live", "恢复 %s（%s）在其之后进行，目前在线上",
		"undo that one first: opsdeck restore undo %s", "请先撤销那一次：opsdeck restore undo %s",
		"%s differs from the emergency backup that was loaded into it", "%s 与导入其中的应急备份不一致",
		"restored in %s; the service was not stopped by opsdeck", "恢复用时 %s；opsdeck 没有停止服务",
		"rows changed since the restore: %s", "恢复之后修改的行数：%s",
		"also backed up", "另行备份",
		"Others wrote to %s after the restore had begun. The database and the service are left as they are.",
		"恢复开始之后，其他人写入了 %s。数据库和服务保持现状。",
	)
}
