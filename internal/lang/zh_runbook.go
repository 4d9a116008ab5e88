package lang

func init() {
	register(
		"Let opsdeck do all of the following and roll back if a step fails; or go step by step.",
		"由 opsdeck 完成以下全部步骤，任何一步失败都会自动回退；也可以逐步手动执行。",
		"Acknowledge the alert that you work on, so that nobody else is called.",
		"确认你正在处理的告警，以免再呼叫他人。",
		"Show what to do, step by step, when something happens.", "显示出事时应逐步做什么。",
		"there is no runbook %q", "没有手册 %q",
		"the database is lost or damaged", "数据库丢失或损坏",

		"the service does not respond, or is not ready", "服务没有响应或未就绪",
		"a disk is nearly full", "磁盘将满",
		"a backup is missing, old or bad", "备份缺失、过旧或损坏",
		"each quarter: drill a restore", "每季度：演练恢复",
		"Assess: how bad is it, is a full restore needed, who must be told?", "评估：损坏多严重？是否需要整库恢复？要通知谁？",
		"Find the newest good backup, and see what it would lose.", "找出最新完好备份，看会丢失什么。",
		"Restore. It stops the service, backs up the current state, loads, verifies, starts and reports; it "+
			"continues when the connection drops.",
		"恢复。它会停服务、备份现状、导入、校验、启动并写报告；断线后继续进行。",
		"Verify that the service is ready.", "确认服务已就绪。",
		"If it was the wrong backup: undo.", "如果选错了备份：撤销。",
		"If opsdeck itself cannot be used, by hand:", "如果 opsdeck 本身不能用，手动执行：",
		"Tell everyone involved: restored, to which moment, what is lost. Keep the report.",
		"通知相关人员：已恢复、恢复到何时、丢失了什么。保存报告。",

		"Check for a full disk first: it stops MySQL and prevents its start.", "先查磁盘是否已满：它会让 MySQL 停下并无法启动。",

		"See which part fails: process, port, database or Redis.", "看哪一部分有问题：进程、端口、数据库还是 Redis。",
		"Read the last errors.", "查看最近的错误。",
		"Check the process, and start it if it is stopped.", "查看进程，若已停止则启动。",
		"If its port is taken, find the process that uses it.", "如果端口被占用，找出占用它的进程。",
		"Wait until it is ready.", "等待它就绪。",
		"See which disk, and what is large on it.", "看是哪个磁盘，上面什么最大。",
		"Old logs: let rotation handle them; by hand delete only rotated files.", "旧日志：交给轮转；手动只删已轮转的文件。",
		"Old backups: only by retention, which never removes the last good one.", "旧备份：只按保留规则清理，它绝不会删掉最后一个完好备份。",
		"Never delete files in MySQL's data folder. Purge old binlogs with:",
		"绝不要删除 MySQL 数据目录中的文件。旧的 binlog 这样清理：",
		"Check that at least a fifth is free again.", "确认剩余空间回到五分之一以上。",
		"See what is missing and why.", "看缺了什么、为什么。",
		"Check privileges, folders and tools.", "检查权限、目录和工具。",
		"Make one now, by hand.", "现在手动做一个。",
		"Verify all backups.", "校验所有现存备份。",
		"Check that the schedule is installed.", "确认已安装定时任务。",
		"Verify the newest backup.", "校验最新备份。",
		"Load it into a scratch database, check it, time it, drop it. The live database is not changed.",
		"导入临时库、检查、计时、删除。不影响线上数据库。",
		"See the record.", "查看记录。",
	)
}
