package auditlog

import (
	"bytes"
	"encoding/hex"
	"errors"

	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/sqlscan"
)

// errOdd says that a row is not written as dumps write theirs: the tokenizer
// has to read it.
var errOdd = errors.New("not as dumps write rows")

// span is a value of a row as it stands in the text: a string literal with its
// quotes, or anything else without blanks.
type span struct {
	from, to int
	kind     byte // ' for a string, x for hexadecimal digits, n for a number, 0 for NULL
}

// tuples reads the rows behind VALUES. It is several times quicker than the
// tokenizer, and knows only what dumps write.
type tuples struct {
	sql  []byte
	at   int
	mode sqlscan.Mode
	row  []span
}

// next reads one row; false at the end of the rows.
func (t *tuples) next() (bool, error) {
	for t.at < len(t.sql) && (blank(t.sql[t.at]) || t.sql[t.at] == ',') {
		t.at++
	}
	if t.at >= len(t.sql) || t.sql[t.at] == ';' {
		return false, nil
	}
	if t.sql[t.at] != '(' {
		return false, errOdd
	}
	t.at++
	t.row = t.row[:0]
	for {
		v, err := t.value()
		if err != nil {
			return false, err
		}
		t.row = append(t.row, v)
		t.skip()
		switch t.peek() {
		case ',':
			t.at++
		case ')':
			t.at++
			return true, nil
		default:
			return false, errOdd
		}
	}
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (t *tuples) skip() {
	for t.at < len(t.sql) && blank(t.sql[t.at]) {
		t.at++
	}
}

func (t *tuples) peek() byte {
	if t.at < len(t.sql) {
		return t.sql[t.at]
	}
	return 0
}

func (t *tuples) value() (span, error) {
	t.skip()
	switch c := t.peek(); {
	case c == '\'':
		return t.quoted()
	case c == '_': // an introducer: _binary, _utf8mb4
		for t.at < len(t.sql) && t.sql[t.at] != '\'' && t.sql[t.at] != ',' && t.sql[t.at] != ')' {
			t.at++
		}
		if t.peek() != '\'' {
			return span{}, errOdd
		}
		return t.quoted()
	case (c == 'X' || c == 'x') && t.at+1 < len(t.sql) && t.sql[t.at+1] == '\'':
		t.at++
		v, err := t.quoted()
		return span{v.from + 1, v.to - 1, 'x'}, err
	case c == 'N' && bytes.HasPrefix(t.sql[t.at:], []byte("NULL")):
		t.at += 4
		return span{}, nil
	case c == '-' || c == '.' || c >= '0' && c <= '9':
		return t.number(), nil
	}
	return span{}, errOdd
}

// quoted finds the end of a string literal.
func (t *tuples) quoted() (span, error) {
	from := t.at
	for i := from + 1; i < len(t.sql); i++ {
		switch c := t.sql[i]; {
		case c == '\\' && !t.mode.NoBackslash:
			i++
		case c == '\'' && i+1 < len(t.sql) && t.sql[i+1] == '\'':
			i++
		case c == '\'':
			t.at = i + 1
			return span{from, i + 1, '\''}, nil
		}
	}
	return span{}, errOdd
}

func (t *tuples) number() span {
	from := t.at
	for t.at < len(t.sql) {
		if c := t.sql[t.at]; c == ',' || c == ')' || blank(c) {
			break
		}
		t.at++
	}
	if bytes.HasPrefix(t.sql[from:t.at], []byte("0x")) {
		return span{from + 2, t.at, 'x'}
	}
	return span{from, t.at, 'n'}
}

// get is the value that a span stands for.
func (t *tuples) get(v span) (audit.Value, error) {
	text := t.sql[v.from:v.to]
	switch v.kind {
	case 0:
		return audit.Value{}, nil
	case 'x':
		raw := make([]byte, hex.DecodedLen(len(text)))
		_, err := hex.Decode(raw, text)
		return audit.Value{Text: string(raw), Valid: true}, err
	case '\'':
		if bytes.IndexByte(text[1:len(text)-1], '\\') < 0 && bytes.IndexByte(text[1:len(text)-1], '\'') < 0 {
			return audit.Value{Text: string(text[1 : len(text)-1]), Valid: true}, nil
		}
		return audit.Value{Text: string(sqlscan.Unquote(nil, text, t.mode)), Valid: true}, nil
	}
	return audit.Value{Text: string(text), Valid: true}, nil
}
