// Package schema knows what a database of MySQL or MariaDB is made of: how its
// names and values are written in SQL, its tables with their columns and keys,
// its other objects, and the hash of a definition that stays the same when the
// definition is restored elsewhere.
package schema

import "strings"

// Ident quotes a name: `order`.
func Ident(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// Name quotes a table's name with its database's: `shop`.`orders`.
func Name(database, table string) string { return Ident(database) + "." + Ident(table) }

// Idents quotes names and joins them by commas.
func Idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = Ident(n)
	}
	return strings.Join(quoted, ",")
}

// String quotes text as a literal, for sessions without NO_BACKSLASH_ESCAPES.
func String(text string) string { return string(AppendString(nil, text)) }

// escapes holds, for each byte that cannot stand in a quoted literal as it is,
// the byte behind the backslash. Control characters that upset terminals and
// line-wise tools are written out too; the same set as mysqldump's.
var escapes = [256]byte{0: '0', '\n': 'n', '\r': 'r', '\\': '\\', '\'': '\'', '"': '"', 0x1a: 'Z'}

// AppendString appends text as a quoted literal.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '\'')
	from := 0
	for i := 0; i < len(text); i++ {
		if e := escapes[text[i]]; e != 0 {
			dst = append(dst, text[from:i]...)
			dst = append(dst, '\\', e)
			from = i + 1
		}
	}
	dst = append(dst, text[from:]...)
	return append(dst, '\'')
}

const hexDigits = "0123456789ABCDEF"

// AppendHex appends bytes as a hexadecimal literal; no bytes are ”.
func AppendHex(dst, data []byte) []byte {
	if len(data) == 0 {
		return append(dst, '\'', '\'')
	}
	dst = append(dst, '0', 'x')
	for _, b := range data {
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}
