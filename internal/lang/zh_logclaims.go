package lang

func init() {
	register(
		"in all:", "全部：",
		"back to the list, to search", "回到列表并搜索",
		"JSON: this line and those below it are one record", "JSON：该行与其下各行合为一条记录",
		"time: %s; the zone is from the line or its format", "时间：%s；时区来自该行或格式",
		"time: %s; the line has its own zone", "时间：%s；该行自带时区",
		"%s is looked for as text; %s finds the field (keys: %s)", "%s 按文本查找；用 %s 查找该字段（键：%s）",
		"--raw prints lines: it cannot be used with --json, --count or what makes numbers",
		"--raw 输出原始行：不能与 --json、--count 或统计选项同用",
		"Print the bytes of the lines as they are, not shaped and not made safe for a terminal.",
		"原样输出各行的字节，不排版，也不做终端安全处理。",
	)
}
