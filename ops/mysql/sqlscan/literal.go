package sqlscan

import (
	"bytes"
	"strings"
)

// Literal counts the rows behind VALUES of an INSERT, from the byte at from on,
// and tells whether they hold values only: strings, numbers, NULL, DEFAULT,
// charset introducers and calls of functions without a schema; no name with a
// dot, no subquery, no variable, and nothing behind the rows.
func Literal(sql []byte, from int, mode Mode) (rows int, ok bool) {
	list, ok := Rows(sql, from, mode, -1, nil)
	return list.Count, ok && !list.Updates
}

// RowList is what Rows finds.
type RowList struct {
	Count    int
	Numbered bool // the value at the place is in each row a plain number other than 0
	Updates  bool // an ON DUPLICATE KEY UPDATE follows, which takes the row's own values
}

// Rows is Literal that also allows ON DUPLICATE KEY UPDATE a = VALUES(a), …, and tells
// whether the value at a place, counted from 0, is a counter that counts itself. It
// passes the words that may be functions, tables or views to named, which may be nil.
func Rows(sql []byte, from int, mode Mode, place int, named func([]byte)) (list RowList, ok bool) {
	inCode, r := false, rowScan{place: place, numbered: true}
	var word []byte // the last token, if it is a word
	query := false  // the rows hold a SELECT: any word may be a table
	for i := from; i < len(sql); {
		tok, _ := scan(sql, i, mode, inCode)
		i = tok.End
		switch tok.Kind {
		case Space, Comment:
			continue
		case String:
			ok = r.depth > 0
			r.others++
		case Number:
			ok = r.depth > 0
			r.numbers++
			if zero(sql[tok.Start:tok.End]) {
				r.others++
			}
		case Word:
			if r.depth == 0 && r.rows > 0 {
				return RowList{r.rows, r.numbered, true}, takesOwnValues(sql[tok.Start:], mode)
			}
			selects := is(sql[tok.Start:tok.End], "SELECT")
			ok = r.depth > 0 && (!selects || ofJSON(sql[tok.Start:]))
			r.others++
			query = query || selects
		case Punct:
			ok = r.punct(sql[tok.Start])
		default:
			ok = false
		}
		if word != nil && named != nil && (query || sql[tok.Start] == '(') {
			named(word)
		}
		word = nil
		if tok.Kind == Word {
			word = sql[tok.Start:tok.End]
		}
		if !ok {
			return RowList{Count: r.rows}, false
		}
	}
	return RowList{Count: r.rows, Numbered: r.numbered}, ok && r.depth == 0
}

// takesOwnValues tells whether what follows the rows of an INSERT is ON DUPLICATE KEY
// UPDATE, and gives each column that it names the row's own value of that column. Into an
// empty table that is the INSERT itself; a later row of a key changes the earlier one.
func takesOwnValues(sql []byte, mode Mode) bool {
	t, err := Tokenize(sql, mode)
	if err != nil || len(t.Conditional) > 0 || !t.Follows(0, "ON", "DUPLICATE", "KEY", "UPDATE") {
		return false
	}
	for i := 4; ; i += 7 { // a = VALUES(a),
		column, named := t.Name(i)
		same, given := t.Name(i + 4)
		switch {
		case !named || !t.Is(i+1, "=") || !t.Any(i+2, "VALUES", "VALUE") || !t.Is(i+3, "("):
			return false
		case !given || !strings.EqualFold(column, same) || !t.Is(i+5, ")"):
			return false
		case i+6 == t.Len():
			return true
		case !t.Is(i+6, ","):
			return false
		}
	}
}

// ofJSON tells whether a SELECT is one of those by which opsdeck's dumps write bytes inside
// a JSON value: they read no table.
func ofJSON(sql []byte) bool {
	for _, head := range []string{"SELECT v FROM JSON_TABLE(", "SELECT 0x", "SELECT _binary'')",
		"SELECT JSON_EXTRACT(JSON_ARRAY(v),'$[0]') FROM (SELECT v FROM JSON_TABLE('[]',"} {
		if bytes.HasPrefix(sql, []byte(head)) {
			return true
		}
	}
	return false
}

// rowScan is where Rows stands: in which value of a row, and what it has seen
// of that value.
type rowScan struct {
	rows, depth, at, place int
	numbers, others        int
	numbered               bool
}

// punct takes a bracket, a comma or a sign, and tells whether it may stand there.
func (r *rowScan) punct(c byte) bool {
	switch {
	case c == '(' && r.depth == 0:
		r.depth = 1
		r.at = 0
		r.numbers = 0
		r.others = 0
	case c == '(':
		r.depth++
		r.others++
	case (c == ')' || c == ',') && r.depth == 1:
		if r.at == r.place && (r.numbers != 1 || r.others > 0) {
			r.numbered = false
		}
		r.at = r.at + 1
		r.numbers = 0
		r.others = 0
		if c == ')' {
			r.depth, r.rows = 0, r.rows+1
			r.numbered = r.numbered && r.at > r.place
		}
	case c == ')':
		r.depth--
	case c != '-':
		r.others++
	}
	return c != '.' && c != ';' && (r.depth > 0 || c == ',' || c == ')' && r.depth == 0)
}

// zero tells whether a number is 0, or may round to it.
func zero(number []byte) bool {
	return number[0] == '0' || bytes.ContainsAny(number, ".eExX")
}

func is(word []byte, upper string) bool {
	if len(word) != len(upper) {
		return false
	}
	for i := range word {
		if word[i]&^0x20 != upper[i] {
			return false
		}
	}
	return true
}
