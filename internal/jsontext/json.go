// Package jsontext reads the keys and values of JSON text without decoding it all.
package jsontext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Pair is a key of a JSON object and its value's text, unchanged.
type Pair struct{ Key, Value string }

// Pairs splits one JSON object into its pairs, in order. It is lenient about
// numbers and words, strict about structure; ok is false for anything else than
// exactly one object.
func Pairs(s string) (pairs []Pair, ok bool) {
	i := skipSpace(s, 0)
	if i >= len(s) || s[i] != '{' {
		return nil, false
	}
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == '}' {
		return nil, skipSpace(s, i+1) == len(s)
	}
	for i < len(s) && s[i] == '"' {
		end := StringEnd(s, i)
		if end < 0 {
			return nil, false
		}
		key := Unquote(s[i:end])
		if i = skipSpace(s, end); i >= len(s) || s[i] != ':' {
			return nil, false
		}
		i = skipSpace(s, i+1)
		if end = valueEnd(s, i); end < 0 {
			return nil, false
		}
		pairs = append(pairs, Pair{key, s[i:end]})
		if i = skipSpace(s, end); i >= len(s) {
			return nil, false
		}
		if s[i] == '}' {
			return pairs, skipSpace(s, i+1) == len(s)
		}
		if s[i] != ',' {
			return nil, false
		}
		i = skipSpace(s, i+1)
	}
	return nil, false
}

// CutPairs splits one JSON object whose text was cut off: its pairs up to the cut. A text
// that the cut goes through is a value as far as it is there.
func CutPairs(s string) (pairs []Pair) {
	i := skipSpace(s, 0)
	if i >= len(s) || s[i] != '{' {
		return nil
	}
	for i = skipSpace(s, i+1); i < len(s) && s[i] == '"'; {
		end := StringEnd(s, i)
		if end < 0 {
			return pairs
		}
		key := Unquote(s[i:end])
		if i = skipSpace(s, end); i >= len(s) || s[i] != ':' {
			return pairs
		}
		i = skipSpace(s, i+1)
		if end = valueEnd(s, i); end < 0 {
			if i < len(s) && s[i] == '"' {
				pairs = append(pairs, Pair{key, strings.TrimRight(s[i:], `\`) + `"`})
			}
			return pairs
		}
		pairs = append(pairs, Pair{key, s[i:end]})
		if i = skipSpace(s, end); i >= len(s) || s[i] != ',' {
			return pairs
		}
		i = skipSpace(s, i+1)
	}
	return pairs
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// StringEnd returns the index after the string that begins at i, or -1.
func StringEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd returns the index after the value that begins at i, or -1.
func valueEnd(s string, i int) int {
	if i >= len(s) {
		return -1
	}
	switch s[i] {
	case '"':
		return StringEnd(s, i)
	case '{', '[':
		return nestEnd(s, i)
	}
	start := i
	for i < len(s) && strings.IndexByte(",]} \t\r\n\":{[", s[i]) < 0 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func nestEnd(s string, i int) int {
	var open []byte
	for ; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			if i = StringEnd(s, i) - 1; i < 0 {
				return -1
			}
		case '{', '[':
			open = append(open, c+2) // '{'+2 is '}', '['+2 is ']'
		case '}', ']':
			if open[len(open)-1] != c {
				return -1
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// Unquote returns the text of a JSON string with its quotes; what is not a
// valid escape stays as it is.
func Unquote(q string) string {
	if strings.IndexByte(q, '\\') < 0 {
		return q[1 : len(q)-1]
	}
	return string(AppendUnquoted(make([]byte, 0, len(q)), q))
}

// AppendUnquoted appends the text of a JSON string with its quotes.
func AppendUnquoted(out []byte, q string) []byte {
	for s := q[1 : len(q)-1]; ; {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			return append(out, s...)
		}
		r, n := escape(s[i:])
		out = utf8.AppendRune(append(out, s[:i]...), r)
		s = s[i+n:]
	}
}

// escape decodes the escape that s begins with and tells how long it is.
func escape(s string) (r rune, n int) {
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	if s[1] != 'u' {
		return '\\', 1
	}
	hi, ok := hex4(s[2:])
	if !ok {
		return '\\', 1
	}
	if utf16.IsSurrogate(hi) && strings.HasPrefix(s[6:], `\u`) {
		if lo, ok := hex4(s[8:]); ok {
			if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
				return r, 12
			}
		}
	}
	return hi, 6
}

func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Text is a value as a person reads it.
func Text(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return Unquote(v)
	}
	return v
}

// jsonDepth bounds how deep a field is looked for.
const jsonDepth = 6

// Find looks for a dotted name in a JSON object, at its top or below.
func Find(object, name string) (string, bool) { return jsonFindIn(object, name, jsonDepth) }

func jsonFindIn(object, name string, depth int) (string, bool) {
	if depth == 0 || !strings.HasPrefix(object, "{") {
		return "", false
	}
	pairs, _ := Pairs(object)
	for _, p := range pairs {
		if p.Key == name {
			return Text(p.Value), true
		}
		if tail, under := strings.CutPrefix(name, p.Key+"."); under {
			if v, ok := jsonFindIn(p.Value, tail, depth-1); ok {
				return v, true
			}
		}
	}
	for _, p := range pairs {
		if v, ok := jsonFindIn(p.Value, name, depth-1); ok {
			return v, true
		}
	}
	return "", false
}
