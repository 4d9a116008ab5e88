package binlog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// MismatchError reports that today's table differs from the logged one.
type MismatchError struct {
	Table string
	Why   string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("the table %s has changed since: %s", e.Table, e.Why)
}

// Know completes a logged table from today's table: column names, and what the log omits
// (signedness, character sets). If the number of columns or a column's type differs, it
// returns a *MismatchError. Columns that MariaDB adds for its hashes are left out of t.
func Know(t *domain.Table, now *schema.Table) error {
	cols := now.Columns
	if len(t.Columns) == len(cols)+now.Hashes { // those are behind the others
		t.Columns = t.Columns[:len(cols)]
	}
	if len(cols) != len(t.Columns) {
		return &MismatchError{
			Table: t.String(),
			Why:   fmt.Sprintf("%d columns, the log has %d", len(cols), len(t.Columns)),
		}
	}
	for i, c := range cols {
		own := t.Columns[i]
		if own.Name != "" && own.Name != c.Name {
			return &MismatchError{
				Table: t.String(),
				Why:   fmt.Sprintf("column %d is %s, the log has %s", i+1, c.Name, own.Name),
			}
		}
		if !Fits(own.Type, c.DataType) {
			return &MismatchError{
				Table: t.String(),
				Why:   fmt.Sprintf("%s is %s, the log has %s", c.Name, c.DataType, own.Type),
			}
		}
	}
	for i, c := range cols {
		own := &t.Columns[i]
		own.Name = c.Name
		own.Key = slices.Contains(now.Key, c.Name) && now.KeyUnique == "PRIMARY"
		own.Kind = kindNow(own.Kind, c)
	}
	return nil
}

// Seen is an image of a table of Know without the columns that were left out.
func Seen(t *domain.Table, image []domain.Value) []domain.Value {
	return image[:min(len(image), len(t.Columns))]
}

// families groups types with the same storage format.
var families = map[string]string{
	"char":               "string",
	"binary":             "string",
	"varchar":            "varstring",
	"varbinary":          "varstring",
	"tinytext":           "blob",
	"text":               "blob",
	"mediumtext":         "blob",
	"longtext":           "blob",
	"tinyblob":           "blob",
	"mediumblob":         "blob",
	"longblob":           "blob",
	"numeric":            "decimal",
	"point":              "geometry",
	"linestring":         "geometry",
	"polygon":            "geometry",
	"multipoint":         "geometry",
	"multilinestring":    "geometry",
	"multipolygon":       "geometry",
	"geometrycollection": "geometry",
	"geomcollection":     "geometry",
	"real":               "double",
	"uuid":               "string",
	"inet6":              "string",
	"inet4":              "string",
}

// Fits reports whether a logged type can be today's type.
func Fits(logged, now string) bool {
	logged, _, _ = strings.Cut(logged, " ")
	a := family(logged)
	b := family(now)
	return a == b || a == "varstring" && b == "vector" // MariaDB logs VECTOR(n) as VARBINARY(4n)
}

func family(name string) string {
	if f, ok := families[name]; ok {
		return f
	}
	return name
}

// kindNow refines the kind with what only the table knows: text or binary.
func kindNow(k domain.Kind, c schema.Column) domain.Kind {
	switch {
	case k != domain.Text && k != domain.Binary:
		return k
	case typedSize[c.DataType] > 0:
		return domain.Typed
	case c.Form == schema.FormBinary || c.DataType == "vector":
		return domain.Binary
	case c.Charset != "":
		return domain.Text
	}
	return k
}

// Reread corrects a value with what only today's table knows: the signedness of a number,
// if the log omits it.
func Reread(v domain.Value, logged domain.Column, now schema.Column) domain.Value {
	was := v.Kind
	v.Kind = kindNow(was, now)
	if v.Null || v.Absent {
		return v
	}
	if v.Kind == domain.Typed && was != domain.Typed {
		v.Text = typedText(v.Text, now.DataType)
	}
	if now.DataType == "binary" {
		v.Text = padded(v.Text, declaredLength(now.Type))
	}
	if v.Kind != domain.Number || len(v.Text) == 0 || v.Text[0] != '-' || !strings.Contains(now.Type, "unsigned") {
		return v
	}
	n, err := strconv.ParseInt(string(v.Text), 10, 64)
	size, ok := integerBits[now.DataType]
	if err != nil || !ok {
		return v
	}
	v.Text = strconv.AppendUint(nil, uint64(n)&(math.MaxUint64>>(64-size)), 10)
	return v
}

var integerBits = map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}

// declaredLength is the length in a declaration such as "binary(16)".
func declaredLength(declared string) int {
	_, rest, _ := strings.Cut(declared, "(")
	digits, _, _ := strings.Cut(rest, ")")
	n, _ := strconv.Atoi(digits)
	return n
}

// padded restores the trailing zeros of a BINARY, which the log omits.
func padded(text []byte, n int) []byte {
	if len(text) >= n {
		return text
	}
	out := make([]byte, n)
	copy(out, text)
	return out
}

// NowExpr is the SELECT expression whose value SameNow compares. The session's time zone
// is UTC.
func NowExpr(c schema.Column) string {
	name := schema.Ident(c.Name)
	switch {
	case c.DataType == "float" || c.DataType == "double":
		return c.Expr()
	case c.DataType == "enum" || c.DataType == "set":
		return "(" + name + "+0)"
	case c.Charset != "" && c.DataType != "json":
		return "CAST(" + name + " AS BINARY)"
	}
	return name
}

// SameNow reports whether a logged value equals the table's current value, read with
// NowExpr; nil is NULL.
func SameNow(v domain.Value, now []byte, c schema.Column) bool {
	if v.Null || now == nil {
		return v.Null && now == nil
	}
	switch v.Kind {
	case domain.Float, domain.Double:
		size := 64
		if v.Kind == domain.Float {
			size = 32
		}
		a, errA := strconv.ParseFloat(string(v.Text), size)
		b, errB := strconv.ParseFloat(string(now), 64)
		return errA == nil && errB == nil && a == b
	case domain.Typed:
		return sameTyped(string(v.Text), string(now))
	case domain.Number:
		return PlainNumber(string(v.Text)) == PlainNumber(string(now))
	}
	return string(v.Text) == string(now)
}

// PlainNumber removes the leading zeros of ZEROFILL.
func PlainNumber(s string) string {
	trimmed := strings.TrimLeft(s, "0")
	if trimmed == "" || trimmed[0] == '.' {
		return "0" + trimmed
	}
	return trimmed
}
