package binlog

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Operations of a partial JSON update.
const (
	diffReplace = 0
	diffInsert  = 1
	diffRemove  = 2
)

// applyJSONDiffs applies the differences of a partial update event to the old document's
// text and returns the new document.
func applyJSONDiffs(before, diffs []byte) ([]byte, error) {
	doc, err := parseJSON(before)
	if err != nil {
		return nil, err
	}
	c := cursor{b: diffs}
	for len(c.b) > 0 && !c.bad {
		op := c.u8()
		path := string(c.take(c.count()))
		var value *jsonNode
		if op != diffRemove {
			raw := c.take(c.count())
			text, err := jsonText(raw)
			if err != nil {
				return nil, err
			}
			if value, err = parseJSON(text); err != nil {
				return nil, err
			}
		}
		if doc, err = doc.apply(op, path, value); err != nil {
			return nil, err
		}
	}
	if err := c.err("JSON difference"); err != nil {
		return nil, err
	}
	return doc.append(nil), nil
}

// jsonNode is a value of a document; scalars keep their printed form.
type jsonNode struct {
	kind byte // '{', '[' or 0
	text []byte
	keys []string // printed, with quotes
	kids []*jsonNode
}

func (n *jsonNode) append(dst []byte) []byte {
	if n.kind == 0 {
		return append(dst, n.text...)
	}
	dst = append(dst, n.kind)
	for i, kid := range n.kids {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if n.kind == '{' {
			dst = append(append(dst, n.keys[i]...), ": "...)
		}
		dst = kid.append(dst)
	}
	return append(dst, n.kind+2) // ']' and '}' are two codes after '[' and '{'
}

// leg is one step of a path: a printed key or an index.
type leg struct {
	key   string
	index int
}

func parsePath(path string) (legs []leg, err error) {
	rest, ok := strings.CutPrefix(path, "$")
	for ok && rest != "" {
		var l leg
		switch {
		case strings.HasPrefix(rest, `."`):
			end := closingQuote(rest[1:])
			if end < 0 {
				return nil, fmt.Errorf("%w: the JSON path %q", ErrDamaged, path)
			}
			l.key, rest = rest[1:end+2], rest[end+2:]
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			l.key, rest = `"`+rest[1:end+1]+`"`, rest[end+1:]
		case rest[0] == '[':
			number, after, closed := strings.Cut(rest[1:], "]")
			if l.index, err = strconv.Atoi(number); err != nil || !closed {
				return nil, fmt.Errorf("%w: the JSON path %q", ErrDamaged, path)
			}
			rest = after
		default:
			return nil, fmt.Errorf("%w: the JSON path %q", ErrDamaged, path)
		}
		legs = append(legs, l)
	}
	if !ok {
		return nil, fmt.Errorf("%w: the JSON path %q", ErrDamaged, path)
	}
	return legs, nil
}

// closingQuote is the index of the quote that closes the quoted text at the start of s; -1
// if there is none.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

func (n *jsonNode) apply(op byte, path string, value *jsonNode) (*jsonNode, error) {
	legs, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	if len(legs) == 0 {
		return value, nil
	}
	at := n
	for _, l := range legs[:len(legs)-1] {
		i := at.find(l)
		if i < 0 {
			return nil, fmt.Errorf("%w: the JSON path %q leads nowhere", ErrDamaged, path)
		}
		at = at.kids[i]
	}
	if !at.change(op, legs[len(legs)-1], value) {
		return nil, fmt.Errorf("%w: the JSON path %q leads nowhere", ErrDamaged, path)
	}
	return n, nil
}

func (n *jsonNode) find(l leg) int {
	if l.key != "" {
		return slices.Index(n.keys, l.key)
	}
	if n.kind != '[' || l.index < 0 || l.index >= len(n.kids) {
		return -1
	}
	return l.index
}

func (n *jsonNode) change(op byte, l leg, value *jsonNode) bool {
	i := n.find(l)
	switch {
	case op == diffReplace && i >= 0:
		n.kids[i] = value
	case op == diffRemove && i >= 0:
		n.kids = slices.Delete(n.kids, i, i+1)
		if n.kind == '{' {
			n.keys = slices.Delete(n.keys, i, i+1)
		}
	case op == diffInsert && n.kind == '{' && l.key != "":
		at := n.place(l.key)
		n.keys, n.kids = slices.Insert(n.keys, at, l.key), slices.Insert(n.kids, at, value)
	case op == diffInsert && n.kind == '[' && l.key == "" && l.index >= 0:
		n.kids = slices.Insert(n.kids, min(l.index, len(n.kids)), value)
	default:
		return false
	}
	return true
}

// place is the insertion index of a new key: MySQL orders keys by length, then by bytes.
func (n *jsonNode) place(key string) int {
	for i, k := range n.keys {
		if len(k) > len(key) || len(k) == len(key) && k > key {
			return i
		}
	}
	return len(n.keys)
}

// parseJSON parses a document in the form that jsonText prints.
func parseJSON(text []byte) (*jsonNode, error) {
	p := jsonParser{rest: text}
	n := p.value(0)
	p.space()
	if p.bad || len(p.rest) > 0 {
		return nil, fmt.Errorf("%w: a JSON document that cannot be read", ErrDamaged)
	}
	return n, nil
}

type jsonParser struct {
	rest []byte
	bad  bool
}

func (p *jsonParser) space() { p.rest = bytes.TrimLeft(p.rest, " \t\r\n") }

// eat consumes b if it comes next.
func (p *jsonParser) eat(b byte) bool {
	p.space()
	if len(p.rest) == 0 || p.rest[0] != b {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *jsonParser) value(depth int) *jsonNode {
	if depth > jsonDeepest {
		p.bad = true
	}
	switch {
	case p.bad:
		return &jsonNode{}
	case p.eat('{'):
		return p.container('{', depth)
	case p.eat('['):
		return p.container('[', depth)
	}
	return &jsonNode{text: p.scalar()}
}

func (p *jsonParser) container(kind byte, depth int) *jsonNode {
	n := &jsonNode{kind: kind}
	if p.eat(kind + 2) {
		return n
	}
	for !p.bad {
		if kind == '{' {
			n.keys = append(n.keys, string(p.scalar()))
			p.bad = p.bad || !p.eat(':')
		}
		n.kids = append(n.kids, p.value(depth+1))
		if p.eat(kind + 2) {
			return n
		}
		p.bad = p.bad || !p.eat(',')
	}
	return n
}

func (p *jsonParser) scalar() []byte {
	p.space()
	end := bytes.IndexAny(p.rest, ",:]} ")
	if len(p.rest) > 0 && p.rest[0] == '"' {
		end = closingQuote(string(p.rest)) + 1
	} else if end < 0 {
		end = len(p.rest)
	}
	if end <= 0 {
		p.bad = true
		return nil
	}
	out := p.rest[:end]
	p.rest = p.rest[end:]
	return out
}
