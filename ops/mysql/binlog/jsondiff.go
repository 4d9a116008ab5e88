package binlog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"opsdeck/internal/jsontext"
	domain "opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// Operations of a partial JSON update.
const (
	diffReplace = 0
	diffInsert  = 1
	diffRemove  = 2
)

// applyJSONDiffs applies the differences of a partial update event to the old document and
// returns the new one, with its exact SQL.
func applyJSONDiffs(before, diffs []byte) (text, exact []byte, err error) {
	doc, err := jsonTree(before)
	if err != nil {
		return nil, nil, err
	}
	c := cursor{b: diffs}
	for len(c.b) > 0 && !c.bad {
		op := c.u8()
		path := string(c.take(c.count()))
		var value *jsonNode
		if op != diffRemove {
			if value, err = jsonTree(c.take(c.count())); err != nil {
				return nil, nil, err
			}
		}
		if doc, err = doc.apply(op, path, value); err != nil {
			return nil, nil, err
		}
	}
	if err := c.err("JSON difference"); err != nil {
		return nil, nil, err
	}
	text = doc.append(nil)
	return text, doc.exact(text), nil
}

// jsonExact is the SQL that makes a binary JSON value with the types of all its values.
func jsonExact(b, text []byte) ([]byte, error) {
	doc, err := jsonTree(b)
	if err != nil {
		return nil, err
	}
	return doc.exact(text), nil
}

// jsonNode is a value of a document; scalars keep their printed form.
type jsonNode struct {
	kind byte // '{', '[' or 0
	text []byte
	sql  string   // makes a scalar whose text makes one of another type
	keys []string // printed, with quotes
	kids []*jsonNode
}

// jsonTree parses a binary JSON value.
func jsonTree(b []byte) (*jsonNode, error) {
	if len(b) == 0 {
		return &jsonNode{text: []byte("null")}, nil
	}
	return jsonBranch(b[0], b[1:], 0)
}

func jsonBranch(kind byte, b []byte, depth int) (n *jsonNode, err error) {
	n = &jsonNode{}
	switch kind {
	case jsonSmallObject, jsonLargeObject:
		n.kind = '{'
	case jsonSmallArray, jsonLargeArray:
		n.kind = '['
	default:
		n.text, n.sql, err = jsonScalar(nil, kind, b)
		return n, err
	}
	err = jsonMembers(kind, b, depth, func(key []byte, kind byte, b []byte) error {
		kid, err := jsonBranch(kind, b, depth+1)
		n.kids = append(n.kids, kid)
		if n.kind == '{' {
			n.keys = append(n.keys, string(appendJSONString(nil, key)))
		}
		return err
	})
	return n, err
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

// exact is SQL that makes the document with the types of all its values; nil where its text
// does.
func (n *jsonNode) exact(text []byte) []byte {
	switch n.sql {
	case "":
	case domain.Unwritable:
		return []byte(n.sql)
	default:
		return []byte("JSON_EXTRACT(JSON_ARRAY(" + n.sql + "), '$[0]')")
	}
	sets, ok := n.sets(nil, "$")
	switch {
	case !ok:
		return []byte(domain.Unwritable)
	case sets == nil:
		return nil
	}
	out := append([]byte("JSON_SET("), schema.String(string(text))...)
	return append(append(out, sets...), ')')
}

// sets are the paths of the scalars that need SQL, each with it.
func (n *jsonNode) sets(dst []byte, path string) (all []byte, ok bool) {
	ok = n.sql != domain.Unwritable
	if n.sql != "" {
		dst = append(dst, ", "+schema.String(path)+", "+n.sql...)
	}
	for i, kid := range n.kids {
		leg := "[" + strconv.Itoa(i) + "]"
		if n.kind == '{' {
			leg = "." + n.keys[i]
		}
		var fine bool
		dst, fine = kid.sets(dst, path+leg)
		ok = ok && fine
	}
	return dst, ok
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
			end := jsontext.StringEnd(rest, 1)
			if end < 0 {
				return nil, fmt.Errorf("%w: the JSON path %q", ErrDamaged, path)
			}
			l.key, rest = rest[1:end], rest[end:]
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
