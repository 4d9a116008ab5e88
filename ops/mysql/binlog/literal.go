package binlog

import (
	"strconv"
	"strings"
	"unicode/utf8"

	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// Literal renders a logged value as an SQL literal for its column. The session's time zone
// is UTC.
func Literal(col schema.Column, v domain.Value) string {
	switch {
	case v.Null:
		return "NULL"
	case v.Kind == domain.JSON && v.Exact != nil:
		return string(v.Exact)
	case v.Kind == domain.Number || v.Kind == domain.Enum || v.Kind == domain.Set:
		return string(v.Text)
	case v.Kind == domain.Float || v.Kind == domain.Double:
		if strings.ContainsAny(string(v.Text), "e") {
			return string(v.Text)
		}
		return string(v.Text) + "e0"
	case v.Kind == domain.Binary || v.Kind == domain.Bits:
		if len(v.Text) == 0 {
			return "''"
		}
		return string(schema.AppendHex(nil, v.Text))
	case v.Kind == domain.Text && !(strings.HasPrefix(col.Charset, "utf8") && utf8.Valid(v.Text)) && len(v.Text) > 0:
		return "_" + col.Charset + " " + string(schema.AppendHex(nil, v.Text))
	}
	return schema.String(string(v.Text))
}

// Equals is a condition that a column holds exactly this value, bit for bit, regardless of
// the column's collation.
func Equals(col schema.Column, v domain.Value) string {
	name := schema.Ident(col.Name)
	switch {
	case v.Null:
		return name + " IS NULL"
	case v.Kind == domain.Enum || v.Kind == domain.Set:
		return "(" + name + "+0) = " + string(v.Text)
	case v.Kind == domain.Float:
		f, err := strconv.ParseFloat(string(v.Text), 32)
		if err != nil {
			return name + " = " + Literal(col, v)
		}
		return "(" + name + "+0e0) = " + strconv.FormatFloat(f, 'e', -1, 64)
	case v.Kind == domain.Text && len(v.Text) == 0:
		return "OCTET_LENGTH(" + name + ") = 0" // '' equals '  ' in most collations
	case v.Kind == domain.Text:
		return "CAST(" + name + " AS BINARY) = " + string(schema.AppendHex(nil, v.Text))
	case v.Kind == domain.JSON && col.DataType == "json":
		return "CAST(" + name + " AS CHAR CHARACTER SET utf8mb4) = " + schema.String(string(v.Text))
	}
	return name + " = " + Literal(col, v)
}
