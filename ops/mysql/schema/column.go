package schema

import "strings"

// Form is how a column's values are read and written so that they come back
// bit for bit.
type Form int

// The forms.
const (
	FormText   Form = iota // read as utf8mb4, written quoted
	FormNumber             // written as read
	FormFloat              // read as a double's shortest exact digits
	FormBinary             // written as 0x…
	FormRaw                // read as bytes of the column's charset; written quoted when ASCII, else _charset 0x…
	FormWide               // as FormRaw, but the charset is no superset of ASCII: always _charset 0x…
	FormJSON               // MySQL's JSON: as FormText, but each value inside keeps its type
)

// Column is one column of a table.
type Column struct {
	Name      string
	DataType  string // lower case: "int", "varchar", "json"
	Type      string // as declared: "int(10) unsigned zerofill"
	Charset   string // "" for what has none
	Collation string // lower case; "" for what has none
	Nullable  bool
	Generated bool // computed: never in an INSERT
	Period    bool // ROW START or ROW END of a system-versioned table
	Form      Form
	expr      string // "" is the column itself
}

// Expr is the SELECT expression whose text form is the column's canonical text.
func (c Column) Expr() string {
	name := Ident(c.Name)
	if c.expr == "" {
		return name
	}
	return strings.ReplaceAll(c.expr, "?", name)
}

var numbers = setOf("tinyint smallint mediumint int bigint decimal year")

var binaries = setOf(
	"bit binary varbinary tinyblob blob mediumblob longblob vector geometry point linestring polygon " +
		"multipoint multilinestring multipolygon geometrycollection geomcollection",
)

// exact are the charsets that survive the way to utf8mb4 and back byte for byte.
var exact = setOf("utf8mb4 utf8mb3 utf8 latin1 binary")

// wide are the charsets in which an ASCII character is not its own byte.
var wide = setOf("ucs2 utf16 utf16le utf32 swe7")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// decide finds form and expression from the declared type. mysql tells the
// flavour apart, for JSON is a type of its own there.
func (c *Column) decide(mysql bool) {
	switch {
	case c.DataType == "float" || c.DataType == "double" || c.DataType == "real":
		// The server prints FLOAT with six digits; as a double all of them come.
		c.Form, c.expr = FormFloat, "(?*1e0)"
	case numbers[c.DataType]:
		c.Form = FormNumber
	case binaries[c.DataType]:
		c.Form = FormBinary
	case c.DataType == "enum" && emptyMember(c.Type):
		// '' may be a member or the error value: only the index tells.
		c.Form, c.expr = FormNumber, "(?+0)"
	case c.DataType == "json" && mysql:
		c.Form = FormJSON
	case c.Charset == "" || exact[c.Charset]:
		c.Form = FormText
	default:
		c.Form, c.expr = FormRaw, "CAST(? AS BINARY)"
		if wide[c.Charset] {
			c.Form = FormWide
		}
	}
}

// AppendValue appends a value, in its canonical text, as an SQL literal.
func (c *Column) AppendValue(dst, text []byte) []byte {
	switch c.Form {
	case FormNumber:
		return append(dst, text...)
	case FormFloat:
		return appendFloat(dst, text)
	case FormBinary:
		return AppendHex(dst, text)
	case FormJSON:
		return appendJSON(dst, text, nil)
	case FormRaw, FormWide:
		if c.Form == FormWide && len(text) > 0 || !isASCII(text) {
			dst = append(append(append(dst, '_'), c.Charset...), ' ')
			return AppendHex(dst, text)
		}
	}
	return AppendString(dst, text)
}

// AppendJSON is AppendValue for a JSON value of which is known which quoted values are
// strings; nil: all of them.
func (c *Column) AppendJSON(dst, text []byte, strings JSONStrings) []byte {
	return appendJSON(dst, text, strings)
}

// appendFloat writes a number that stays a double: a literal without an
// exponent is a DECIMAL to the server, which knows no -0 and 30 places at most.
func appendFloat(dst, text []byte) []byte {
	dst = append(dst, text...)
	if len(text) <= 15 && string(text) != "-0" {
		return dst
	}
	for _, b := range text {
		if b == 'e' {
			return dst
		}
	}
	return append(dst, 'e', '0')
}

func isASCII(text []byte) bool {
	for _, b := range text {
		if b >= 0x80 {
			return false
		}
	}
	return true
}

// emptyMember tells whether an enum's declaration has ” among its members. A
// quote inside a member is doubled there.
func emptyMember(declared string) bool {
	quoted, start := false, 0
	for i := 0; i < len(declared); i++ {
		switch {
		case declared[i] != '\'':
		case !quoted:
			quoted, start = true, i
		case i+1 < len(declared) && declared[i+1] == '\'':
			i++
		case i == start+1:
			return true
		default:
			quoted = false
		}
	}
	return false
}
