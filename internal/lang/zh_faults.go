package lang

// Sentences of what is found wrong with backups, copies and their servers.
func init() {
	register(
		"the dump is cut off, and what is left of it holds no database %s", "转储文件不完整，现存部分中没有库 %s",
		"use a dump that is whole", "请使用完整的转储文件",
	)
}
