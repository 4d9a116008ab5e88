package lang

func init() {
	register(
		"the binlog's rows are replayed one by one as statements, which is slower: this user lacks the privilege "+
			"for the BINLOG statement (%s)",
		"binlog 中的行将逐条以语句回放，速度较慢：该用户没有执行 BINLOG 语句的权限（%s）",
		"the table %s has triggers, which would fire again for the rows of the log",
		"表 %s 有触发器，回放 binlog 的行时会再次触发",
		"the binlog holds only parts of the JSON documents of table %s (PARTIAL_JSON with MINIMAL row images), which "+
			"can only be written with the BINLOG statement",
		"binlog 只含表 %s 的 JSON 文档的部分内容（PARTIAL_JSON 且行镜像为 MINIMAL），只有 BINLOG 语句能写入",
		"the table %s keeps its history, which can only be written with the BINLOG statement",
		"表 %s 保留历史版本，只有 BINLOG 语句能写入",
	)
}
