package binlog

import "strings"

// Members are the names in a declaration such as "enum('a','b')".
func Members(declared string) (out []string) {
	_, rest, found := strings.Cut(declared, "(")
	if !found || !strings.HasPrefix(declared, "enum") && !strings.HasPrefix(declared, "set") {
		return nil
	}
	for {
		_, after, found := strings.Cut(rest, "'")
		if !found {
			return out
		}
		name := ""
		for {
			part, tail, found := strings.Cut(after, "'")
			if !found {
				return nil
			}
			name += part
			if !strings.HasPrefix(tail, "'") {
				rest = tail
				break
			}
			name, after = name+"'", tail[1:]
		}
		out = append(out, name)
	}
}

// collations are the character sets of collations by number, of those that are in use.
// https://dev.mysql.com/doc/refman/8.4/en/charset-charsets.html
var collations = []struct {
	from, to int
	charset  string
}{
	{5, 5, "latin1"},
	{8, 8, "latin1"},
	{11, 11, "ascii"},
	{15, 15, "latin1"},
	{24, 24, "gb2312"},
	{28, 28, "gbk"},
	{31, 31, "latin1"},
	{33, 33, "utf8mb3"},
	{45, 46, "utf8mb4"},
	{47, 49, "latin1"},
	{63, 63, "binary"},
	{65, 65, "ascii"},
	{76, 76, "utf8mb3"},
	{83, 83, "utf8mb3"},
	{86, 86, "gb2312"},
	{87, 87, "gbk"},
	{94, 94, "latin1"},
	{192, 215, "utf8mb3"},
	{223, 223, "utf8mb3"},
	{224, 247, "utf8mb4"},
	{248, 250, "gb18030"},
	{255, 323, "utf8mb4"},
}

// Charset is the character set of a collation's number; "" if it is not known.
func Charset(collation int) string {
	for _, c := range collations {
		if collation >= c.from && collation <= c.to {
			return c.charset
		}
	}
	return ""
}
