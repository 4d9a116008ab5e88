package sqlscan

import (
	"encoding/hex"
	"errors"
	"math/big"
)

// ValueKind is how a value of a row is written.
type ValueKind uint8

// The kinds of values. Other is what only a server can work out: a call, a name.
const (
	Other ValueKind = iota
	Null
	Quoted // 'x': Text with its escapes resolved
	Digits // -1.5e3: Text as written
	Bytes  // 0x1F, x'1F', b'01': Text is the bytes
)

// Value is one value of a row of an INSERT.
type Value struct {
	Kind    ValueKind
	Charset string // of the introducer, as _gbk is one; "" for none
	Text    []byte // valid until the next row
}

// ErrRows says that what follows VALUES is no list of rows.
var ErrRows = errors.New("rows of an unknown form")

// Values hands over the rows after VALUES, from the byte at from on, one after
// another. The values belong to the callee until it returns.
func Values(sql []byte, from int, mode Mode, each func(row []Value) error) error {
	r := rowReader{mode: mode}
	inCode := false
	for i := from; i < len(sql); {
		tok, _ := scan(sql, i, mode, inCode)
		i = tok.End
		if tok.Kind == Open {
			return ErrOpen
		}
		if tok.Kind == Code {
			inCode = !inCode
		}
		if tok.Kind == Space || tok.Kind == Comment || tok.Kind == Code {
			continue
		}
		whole, err := r.take(tok.Kind, sql[tok.Start:tok.End])
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		if err := each(r.row); err != nil {
			return err
		}
		r.row, r.text = r.row[:0], r.text[:0]
	}
	if r.depth != 0 {
		return ErrRows
	}
	return nil
}

// rowReader is the row that is being read.
type rowReader struct {
	mode  Mode
	depth int
	row   []Value
	text  []byte // where Quoted and Bytes keep their text
	now   Value  // the value that is being read
	parts int    // its tokens
	minus bool
	radix byte // x or b, before a string
	json  bool // a call of JSON_SET: its first argument has the text of the value
}

// take takes a token and tells whether it ends a row.
func (r *rowReader) take(kind Kind, body []byte) (whole bool, err error) {
	if r.depth == 0 {
		switch {
		case kind == Punct && body[0] == '(':
			r.depth = 1
			r.fresh()
		case kind == Punct && (body[0] == ',' || body[0] == ';'):
		case kind == Word && is(body, "ROW"): // VALUES ROW(1), ROW(2)
		default:
			return false, ErrRows
		}
		return false, nil
	}
	if kind == Punct && r.depth == 1 && (body[0] == ',' || body[0] == ')') {
		r.row = append(r.row, r.now)
		r.fresh()
		if body[0] == ')' {
			r.depth = 0
		}
		return body[0] == ')', nil
	}
	r.part(kind, body)
	return false, nil
}

func (r *rowReader) fresh() {
	r.now = Value{}
	r.parts = 0
	r.minus = false
	r.radix = 0
	r.json = false
}

// part takes a token of a value.
func (r *rowReader) part(kind Kind, body []byte) {
	r.parts++
	switch {
	case kind == Word && r.parts == 1 && is(body, "JSON_SET"):
		r.json = true
		return
	case r.json:
		r.call(kind, body)
		return
	case kind == Punct && body[0] == '(':
		r.depth++
	case kind == Punct && body[0] == ')':
		r.depth--
	case kind == Punct && body[0] == '-' && r.parts == 1:
		r.minus, r.parts = true, 0
		return
	case kind == Punct && body[0] == '+' && r.parts == 1:
		r.parts = 0
		return
	case r.parts > 1:
	case kind == Word && is(body, "NULL"):
		r.now.Kind = Null
		return
	case kind == Word && body[0] == '_' && r.now.Charset == "":
		r.now.Charset = string(body[1:])
		r.parts = 0
		return
	case kind == Word && len(body) == 1 && (body[0]|0x20 == 'x' || body[0]|0x20 == 'b' || body[0]|0x20 == 'n'):
		r.radix, r.parts = body[0]|0x20, 0
		return
	case kind == String:
		r.quoted(body)
		return
	case kind == Number:
		r.number(body)
		return
	}
	r.now.Kind = Other
}

// call takes a token of JSON_SET('text', …): opsdeck's dumps write a JSON value so, whose
// text is the first argument.
func (r *rowReader) call(kind Kind, body []byte) {
	switch {
	case kind == Punct && body[0] == '(':
		r.depth++
	case kind == Punct && body[0] == ')':
		r.depth--
	case kind == String && r.now.Kind == Other && r.depth == 2:
		r.quoted(body)
	}
}

func (r *rowReader) quoted(body []byte) {
	at := len(r.text)
	switch r.radix {
	case 'x', 'b':
		r.bytes(body[1:len(body)-1], r.radix)
		return
	}
	r.text = Unquote(r.text, body, r.mode)
	r.now.Kind = Quoted
	r.now.Text = r.text[at:len(r.text):len(r.text)]
}

func (r *rowReader) number(body []byte) {
	if len(body) > 2 && body[0] == '0' && (body[1] == 'x' || body[1] == 'b') {
		r.bytes(body[2:], body[1])
		return
	}
	at := len(r.text)
	if r.minus {
		r.text = append(r.text, '-')
	}
	r.text = append(r.text, body...)
	r.now.Kind = Digits
	r.now.Text = r.text[at:len(r.text):len(r.text)]
}

// bytes takes the digits of a hexadecimal or binary literal.
func (r *rowReader) bytes(digits []byte, radix byte) {
	at := len(r.text)
	if radix == 'b' {
		n, ok := new(big.Int).SetString(string(digits), 2)
		if !ok && len(digits) > 0 {
			return
		}
		if ok {
			r.text = append(r.text, n.FillBytes(make([]byte, (len(digits)+7)/8))...)
		}
	} else {
		if len(digits)%2 == 1 {
			digits = append([]byte{'0'}, digits...)
		}
		r.text = append(r.text, make([]byte, len(digits)/2)...)
		if _, err := hex.Decode(r.text[at:], digits); err != nil {
			return
		}
	}
	r.now.Kind = Bytes
	r.now.Text = r.text[at:len(r.text):len(r.text)]
}
