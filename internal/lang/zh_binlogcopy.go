package lang

func init() {
	register(
		"Bring into the archive what this copy holds, instead of what the server has.", "把该副本中的内容取回归档，而不是从服务器获取。",
		"Ask this copy what it holds, instead of the archive here.", "查询该副本保存的内容，而不是本机的归档。",
		"Read back what this copy holds, instead of the archive here.", "回读该副本保存的内容，而不是本机的归档。",
		"--flush and --copy do not go together", "--flush 与 --copy 不能同时使用",
		"the copy %s holds no binary log", "副本 %s 中没有二进制日志",
		"send it from the machine that archives it: opsdeck backup sync", "请在归档二进制日志的机器上发送：opsdeck backup sync",
		"the binary log could not be copied to %s", "二进制日志无法复制到 %s",
		"%d pieces of the binary log are gone at the copy %s; opsdeck removed none",
		"二进制日志有 %d 个分片在副本 %s 中消失，且不是由 opsdeck 删除的",
		"removed %d pieces of the binary log at the copy %s, %d are locked there",
		"已删除 %d 个二进制日志分片（副本 %s），另有 %d 个被锁定",
		"%d of %d pieces of the binary log at the copy %s are bad, the first in %s",
		"二进制日志有 %d/%d 个分片已损坏（副本 %s），第一个属于 %s",
		"%s: would send %s of the binary log", "%s：将发送 %s 二进制日志",
		"%s: no binary log is there", "%s：那里没有二进制日志",
		"%s: %s of the binary log sent; it reaches %s there", "%s：已发送 %s 二进制日志；那里截至 %s",
		"copy %s: not yet copied there; copy it with: opsdeck backup sync", "副本 %s：尚未复制；请运行 opsdeck backup sync",
		"copy %s: it holds no binary log, as of %s", "副本 %s：没有二进制日志（查看于 %s）",
		"copy %s: reaches %s, %s, as of %s", "副本 %s：截至 %s，大小 %s（查看于 %s）",
		"copy %s: gap: %s", "副本 %s：缺口：%s",
		"%s was not fetched: the archive holds another log of that name", "未取回 %s：归档中已有同名的另一份日志",
		"would fetch %d files, %s; the archive holds %d of the copy's files",
		"将取回 %d 个文件，%s；归档中已有该副本的 %d 个文件",
		"%d files fetched from the copy %s, %s; the archive held %d of its files; it reaches %s",
		"已取回 %d 个文件（副本 %s），%s；归档原有其中 %d 个文件；截至 %s",
		"%d pieces of the binary log at the copy %s are good", "二进制日志的 %d 个分片完好（副本 %s）",
		"more of the log may be at a copy; bring it here with: opsdeck backup binlog fetch --copy %s",
		"副本中可能有更多日志；请取回：opsdeck backup binlog fetch --copy %s",
	)
}
