package lang

func init() {
	register(
		"total:", "合计：",
		"back to the list, to search", "回到列表并搜索",
		"JSON: this line and those below it are one record", "JSON：该行与其下各行合为一条记录",
		"time: %s; the zone is from the line or its format", "时间：%s；时区来自该行或格式",
		"time: %s; the line has its own zone", "时间：%s；该行自带时区",
		"%s is searched as text; %s finds the field (keys: %s)", "%s 按文本查找；用 %s 查找该字段（键：%s）",
		"--raw prints lines: it cannot be used with --json, --count or statistics",
		"--raw 输出原始行：不能与 --json、--count 或统计选项同用",
		"Print the lines byte for byte, neither formatted nor escaped.",
		"逐字节原样输出各行，不排版，也不转义控制字符。",
	)
}
