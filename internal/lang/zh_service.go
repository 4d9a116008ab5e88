package lang

func init() {
	register(
		"running", "运行中",

		"stopped", "已停止",
		"failed", "失败",
		"schedule installed", "已安装定时任务",

		"process control %q has no name", "进程控制 %q 没有名称",
		"set process.name in the configuration", "请在配置中设置 process.name",
		"process control %q is unknown", "不认识的进程控制 %q",
		"use pm2, systemd, compose, command or none", "请使用 pm2、systemd、compose、command 或 none",
		"no process control is configured", "没有配置进程控制",
		"%s is not on the PATH", "%s 不在 PATH 中",
		"%s timed out", "%s 超时无响应",
		"%s failed", "%s 失败",
		"run it by hand to see why: %s", "手动运行以查看原因：%s",
		"no status command is configured", "没有配置 status 命令",
		"the status command timed out", "status 命令超时",
		"the status command exited with %d: %s", "status 命令退出码 %d：%s",
		"no %s command is configured", "没有配置 %s 命令",
		"set process.%s in the configuration", "请在配置中设置 process.%s",
		"there is no unit %s", "没有单元 %s",
		"systemd reports %q", "systemd 报告 %q",
		"docker inspect did not print JSON: %s", "docker inspect 没有输出 JSON：%s",
		"the Docker engine does not respond", "Docker 引擎没有响应",
		"it has no container", "它没有容器",
		"a container is unhealthy", "有容器不健康",
		"a container is unhealthy: %s", "有容器不健康：%s",
		"a container fails to start: %s", "有容器无法启动：%s",
		"a container was killed: out of memory, exit code %d", "有容器因内存不足被终止，退出码 %d",
		"a container is starting", "有容器正在启动",
		"a container is %s, exit code %d", "有容器处于 %s，退出码 %d",
		"no PM2 daemon is running in %s", "%s 中没有运行 PM2 守护进程",
		"pm2 jlist did not print JSON", "pm2 jlist 没有输出 JSON",
		"PM2 has no process %s", "PM2 中没有进程 %s",
		"PM2 reports %q", "PM2 报告 %q",
		"PM2 has no process %s, so it cannot start it", "PM2 中没有进程 %s，无法启动它",
		"restore the saved processes with `pm2 resurrect`, or start the service once with its own start command",
		"用 `pm2 resurrect` 恢复已保存的进程，或先用服务自己的启动命令启动一次",
	)
}
