package lang

// Sentences of what a drill found.
func init() {
	register(
		"dropped %s, left by a drill that was killed", "已删除 %s，它是被中止的演练留下的",
		"left out, a restore cannot create it: %s (%s)", "已略过，恢复无法创建它：%s（%s）",
		"left out, a restore cannot create it: %s", "已略过，恢复无法创建它：%s",
		"the scratch database is still there: %s", "临时库仍未删除：%s",
		"the backup has no checksums for %d of the tables: their rows were counted, their values not compared",
		"备份中有 %d 张表没有校验和：只统计了行数，未比较内容",
		"this server writes the definition of %s in another way", "此服务器以另一种形式写出 %s 的定义",
		"table %s %s: %s rows, the manifest says %s %s", "表 %s%s：%s 行，清单记为 %s %s",
		"%s %s %s %s", "%s %s %s %s",
		"the copy is not what the manifest says", "导入的数据与清单不符",
		"the dump did not come to its end", "转储不完整，没有到结尾",
		"no table came", "没有导入任何表",
		"table %s missing", "缺少表 %s",
		"table %s: %s rows, the dump holds %s", "表 %s：%s 行，转储中有 %s 行",
		"CHECK TABLE is not supported by the engine of: %s", "以下表的存储引擎不支持 CHECK TABLE：%s",
		"differs", "不一致",
		"extra", "多余",
	)
}
