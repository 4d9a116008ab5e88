package lang

func init() {
	register(
		"%s already exists", "%s 已存在",
		"%s cannot be written: there is no folder %s", "无法写入 %s：没有目录 %s",
		"make the folder, or choose another name", "请创建该目录，或换一个名称",
		"%s is not a file", "%s 不是文件",
		"choose another name; - writes to standard output", "请换一个名称；- 表示写到标准输出",
		"%s rows are in %s; the same command continues from there", "%s 行已写入 %s；用同一命令可从该处继续",
		"%s rows were written, but the table now has %s: it changed meanwhile",
		"写入了 %s 行，但表中现有 %s 行：期间表有变化",
		"%s rows, %s, in %s: %s", "%s 行，%s，用时 %s：%s",
		"Start over instead of continuing an interrupted export.", "放弃中断的导出所留部分，重新开始。",
		"The file to write, with mode 0600; - for standard output.", "要写入的文件，权限 0600；- 表示标准输出。",
		"--json and -o - both write to standard output", "--json 与 -o - 都写到标准输出",
		"standard output", "标准输出",
		"use only one of them", "请只用其中一个",
		"Write audit rows to a file.", "将审计记录写入文件。",
		"Write secrets unmasked.", "敏感内容不打码，原样写出。",
		"add --restart to write over it, or choose another file", "加 --restart 覆盖它，或另选文件",
		"%s holds an interrupted export of something else", "%s 处有另一次中断的导出",
		"choose another name, or remove it first", "请另选名称，或先将其删除",
		"csv (for spreadsheets) or jsonl.", "csv（用于电子表格）或 jsonl。",
		"run it again with --restart", "请加 --restart 重新运行",
	)
}
