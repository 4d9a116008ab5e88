package load

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// errForm says that LOAD DATA cannot carry the rows as they are written.
var errForm = errors.New("rows that go in by INSERT only")

// converter turns the INSERT statements of a member into input for LOAD DATA: the same
// literals, one row per line. The server then does not parse SQL, which for wide rows is
// most of its work.
//
// Strings are quoted and keep the escapes of SQL, which LOAD DATA reads the same way. An
// unquoted NULL is NULL. Bytes are written as hex digits, read into a variable and
// decoded by UNHEX.
// https://dev.mysql.com/doc/refman/8.4/en/load-data.html#load-data-field-line-handling
type converter struct {
	table   string
	columns []string // of the first INSERT
	hex     []bool   // by column: whether its values are bytes
	text    []bool   // by column: values must be quoted (ENUM and SET: a number is an index)
	counter string   // the AUTO_INCREMENT column
}

// newConverter returns a converter for a table; nil when LOAD DATA cannot carry its
// columns.
func newConverter(t *sqlscan.Table) *converter {
	if t == nil || !t.Whole || t.Versioned {
		return nil
	}
	return &converter{table: t.Own().Name}
}

var byteTypes = strings.Fields(
	"bit binary varbinary tinyblob blob mediumblob longblob geometry point linestring polygon multipoint " +
		"multilinestring multipolygon geometrycollection geomcollection vector",
)

// start takes the columns from the first INSERT. All later ones must name the same
// columns.
func (c *converter) start(p *sqlscan.Parsed, t *sqlscan.Table) error {
	if p.Verb != "INSERT" || p.Own().Qualified() || p.Own().Name != c.table || !p.Is(p.Body, "(") || p.Is(1, "IGNORE") {
		return errForm
	}
	var names []string
	i := p.Body + 1
	for ; !p.Is(i-1, ")"); i += 2 {
		n, ok := p.Name(i)
		if !ok || !p.Is(i+1, ",") && !p.Is(i+1, ")") {
			return errForm
		}
		names = append(names, n)
	}
	if i != p.Len()-1 {
		return errForm
	}
	if c.columns != nil {
		if !slices.Equal(names, c.columns) {
			return errForm
		}
		return nil
	}
	for _, n := range names {
		at := slices.IndexFunc(t.Columns, func(x sqlscan.Column) bool { return x.Name == n })
		if at < 0 {
			return errForm
		}
		typ := t.Columns[at].Type
		c.hex = append(c.hex, slices.Contains(byteTypes, typ))
		c.text = append(c.text, typ == "enum" || typ == "set")
		if t.Columns[at].AutoInc {
			c.counter = n
		}
	}
	c.columns = names
	return nil
}

// statement returns the LOAD DATA statement that reads from the reader of that name.
//
// Where a statement sets columns, MariaDB forgets that the AUTO_INCREMENT column was given:
// it would give a row 0 a new number in spite of NO_AUTO_VALUE_ON_ZERO. So that one is set too.
func (c *converter) statement(reader string) string {
	var cols, sets []string
	bytes := slices.Contains(c.hex, true)
	for i, n := range c.columns {
		v := "@opsdeck" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		switch {
		case c.hex[i]:
			sets = append(sets, schema.Ident(n)+"=UNHEX("+v+")")
		case bytes && n == c.counter:
			sets = append(sets, schema.Ident(n)+"="+v)
		default:
			v = schema.Ident(n)
		}
		cols = append(cols, v)
	}
	q := "LOAD DATA LOCAL INFILE 'Reader::" + reader + "' INTO TABLE " + schema.Ident(c.table) +
		` CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\'' ESCAPED BY '\\' LINES TERMINATED BY '\n' (` +
		strings.Join(cols, ",") + ")"
	if len(sets) > 0 {
		q += " SET " + strings.Join(sets, ",")
	}
	return q
}

// member converts the text of a member to dst and counts its rows.
func (c *converter) member(dst, text []byte, t *sqlscan.Table) (out []byte, rows int64, err error) {
	for at := 0; ; {
		at = blank(text, at)
		if at == len(text) {
			return dst, rows, nil
		}
		head, err := sqlscan.Parse(text[at:], sqlscan.Mode{})
		if err != nil {
			return dst, rows, errForm
		}
		if err := c.start(head, t); err != nil {
			return dst, rows, err
		}
		at += head.Tokens[head.Len()-1].End
		var n int64
		if dst, at, n, err = c.rows(dst, text, at); err != nil {
			return dst, rows, err
		}
		rows += n
	}
}

// blank skips white space and line comments between statements.
func blank(text []byte, at int) int {
	for at < len(text) {
		switch {
		case text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t':
			at++
		case bytes.HasPrefix(text[at:], []byte("-- ")) || bytes.HasPrefix(text[at:], []byte("--\n")):
			n := bytes.IndexByte(text[at:], '\n')
			if n < 0 {
				return len(text)
			}
			at += n + 1
		default:
			return at
		}
	}
	return at
}

// rows converts the list (…),(…); that starts at at, and returns the index after the
// semicolon.
func (c *converter) rows(dst, text []byte, at int) ([]byte, int, int64, error) {
	var n int64
	for {
		at = space(text, at)
		if at >= len(text) || text[at] != '(' {
			return dst, at, n, errForm
		}
		var err error
		if dst, at, err = c.row(dst, text, at+1); err != nil {
			return dst, at, n, err
		}
		n++
		at = space(text, at)
		if at >= len(text) {
			return dst, at, n, errForm
		}
		switch text[at] {
		case ',':
			at++
		case ';':
			return dst, at + 1, n, nil
		default:
			return dst, at, n, errForm
		}
	}
}

func space(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// row converts one row and returns the index after its closing parenthesis.
func (c *converter) row(dst, text []byte, at int) ([]byte, int, error) {
	for i := range c.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		end := at
		switch {
		case at >= len(text):
			return dst, at, errForm
		case text[at] == '\'':
			if end = quoteEnd(text, at); end < 0 {
				return dst, at, errForm
			}
			dst = c.quoted(dst, text[at:end], c.hex[i])
		case bytes.HasPrefix(text[at:], []byte("0x")):
			for end = at + 2; end < len(text) && isHex(text[end]); end++ {
				continue
			}
			if !c.hex[i] || (end-at)%2 != 0 {
				return dst, at, errForm
			}
			dst = append(dst, text[at+2:end]...)
		case bytes.HasPrefix(text[at:], []byte("NULL")):
			end = at + 4
			dst = append(dst, "NULL"...)
		default:
			for end < len(text) && numeral[text[end]] {
				end++
			}
			if end == at || c.hex[i] || c.text[i] {
				return dst, at, errForm
			}
			dst = append(dst, text[at:end]...)
		}
		if at = end; at >= len(text) || text[at] != closing(i, len(c.columns)) {
			return dst, at, errForm
		}
		at++
	}
	return append(dst, '\n'), at, nil
}

func closing(i, n int) byte {
	if i == n-1 {
		return ')'
	}
	return ','
}

var numeral = func() (set [256]bool) {
	for _, b := range "0123456789+-.eE" {
		set[b] = true
	}
	return set
}()

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f'
}

// quoteEnd returns the index after the quote that closes text[at]; -1 when there is
// none.
func quoteEnd(text []byte, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\'':
			if i+1 < len(text) && text[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
	}
	return -1
}

// quoted writes a string literal. Two escapes differ in LOAD DATA: SQL keeps the
// backslash of \% and \_, and \N is NULL only in LOAD DATA.
func (c *converter) quoted(dst, literal []byte, hex bool) []byte {
	if hex {
		const digits = "0123456789ABCDEF"
		for _, b := range sqlscan.Unquote(nil, literal, sqlscan.Mode{}) {
			dst = append(dst, digits[b>>4], digits[b&15])
		}
		if len(literal) == 2 {
			dst = append(dst, '\'', '\'')
		}
		return dst
	}
	for {
		at := bytes.IndexByte(literal, '\\')
		if at < 0 || at+1 >= len(literal) {
			return append(dst, literal...)
		}
		switch next := literal[at+1]; next {
		case '%', '_':
			dst = append(append(dst, literal[:at]...), '\\', '\\', next)
		case 'N':
			dst = append(append(dst, literal[:at]...), next)
		default:
			dst = append(dst, literal[:at+2]...)
		}
		literal = literal[at+2:]
	}
}
