package line

import (
	"encoding/json"
	"strconv"
	"strings"

	"opsdeck/internal/jsontext"
)

// inspected reads an object in the format of Node's util.inspect, and JSON over several
// lines: unquoted names, text in any of three quotes and in parts joined by +, values
// that are not JSON. The lines of the object are separated by \n.
type inspected struct {
	s     string
	i     int
	depth int
}

// inspectDepth limits how deeply an object is read.
const inspectDepth = 16

// inspect reads the object at the beginning of s. It returns its values as JSON and its
// length n. It skips entries that it does not understand.
func inspect(s string) (pairs []jsontext.Pair, n int, ok bool) {
	r := inspected{s: s}
	if !r.take('{') {
		return nil, 0, false
	}
	for !r.take('}') {
		if r.i >= len(s) {
			return nil, 0, false
		}
		key, ok := r.key()
		if !ok {
			if !r.skip() {
				return nil, 0, false
			}
			continue
		}
		value, ok := r.value()
		if ok {
			pairs = append(pairs, jsontext.Pair{Key: key, Value: value})
		} else if !r.skip() {
			return nil, 0, false
		}
		r.take(',')
	}
	return pairs, r.i, true
}

// skip moves to the next line that begins an entry of the outermost object, or ends it.
func (r *inspected) skip() bool {
	for {
		end := strings.IndexByte(r.s[r.i:], '\n')
		if end < 0 {
			return false
		}
		r.i += end + 1
		rest := r.s[r.i:]
		if strings.HasPrefix(rest, "}") {
			return true
		}
		if strings.HasPrefix(rest, "  ") && len(rest) > 2 && rest[2] != ' ' && rest[2] != '}' && rest[2] != ']' {
			return true
		}
	}
}

// take skips blanks and then c. If another character follows, ok is false and only
// blanks are skipped.
func (r *inspected) take(c byte) bool {
	for r.i < len(r.s) && strings.IndexByte(" \t\r\n", r.s[r.i]) >= 0 {
		r.i++
	}
	if r.i == len(r.s) || r.s[r.i] != c {
		return false
	}
	r.i++
	return true
}

// key reads "name:", "'a name':", and "[Symbol(name)]:".
func (r *inspected) key() (key string, ok bool) {
	start := r.i
	switch c := r.s[r.i]; {
	case c == '\'' || c == '"':
		if key, ok = r.quoted(); !ok {
			return "", false
		}
	case c == '[':
		end := strings.IndexByte(r.s[r.i:], ']')
		if end < 0 {
			return "", false
		}
		key = r.s[r.i+1 : r.i+end]
		r.i += end + 1
	default:
		for r.i < len(r.s) && (Alnum[r.s[r.i]] || r.s[r.i] == '_' || r.s[r.i] == '$' || r.s[r.i] >= 0x80) {
			r.i++
		}
		key = r.s[start:r.i]
	}
	return key, key != "" && r.take(':')
}

// value reads a value and converts it to JSON.
func (r *inspected) value() (value string, ok bool) {
	if r.depth++; r.depth > inspectDepth {
		return "", false
	}
	defer func() { r.depth-- }()
	if r.take('{') {
		return r.object()
	}
	if r.take('[') {
		if r.i < len(r.s) && Letter(r.s[r.i]) && !strings.HasPrefix(r.s[r.i:], "true") {
			r.i--
			return r.word() // [Object], [Function: x]
		}
		return r.array()
	}
	if r.i < len(r.s) && strings.IndexByte("'\"`", r.s[r.i]) >= 0 {
		return r.text()
	}
	return r.word()
}

// text reads quoted text, also in several parts.
func (r *inspected) text() (string, bool) {
	var all strings.Builder
	for {
		piece, ok := r.quoted()
		if !ok {
			return "", false
		}
		all.WriteString(piece)
		if !r.take('+') {
			return quoteJSON(all.String()), true
		}
		for r.i < len(r.s) && strings.IndexByte(" \t\r\n", r.s[r.i]) >= 0 {
			r.i++
		}
		if r.i == len(r.s) {
			return "", false
		}
	}
}

// quoted reads text between quotes.
func (r *inspected) quoted() (string, bool) {
	quote := r.s[r.i]
	if strings.IndexByte("'\"`", quote) < 0 {
		return "", false
	}
	for end := r.i + 1; end < len(r.s); end++ {
		switch r.s[end] {
		case '\\':
			end++
		case quote:
			text := r.s[r.i+1 : end]
			r.i = end + 1
			return unescape(text), true
		}
	}
	return "", false
}

// unescape reads the escapes of text between quotes.
func unescape(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var out strings.Builder
	for text != "" {
		if strings.HasPrefix(text, `\'`) || strings.HasPrefix(text, "\\`") || strings.HasPrefix(text, `\/`) {
			out.WriteByte(text[1])
			text = text[2:]
			continue
		}
		c, _, rest, err := strconv.UnquoteChar(text, 0)
		if err != nil {
			c = rune(text[0])
			rest = text[1:]
		}
		out.WriteRune(c)
		text = rest
	}
	return out.String()
}

// word reads a value that is neither quoted nor nested, up to the end of its line or
// entry. Numbers and the words of JSON stay unchanged.
func (r *inspected) word() (string, bool) {
	open, start := 0, r.i
	for ; r.i < len(r.s) && r.s[r.i] != '\n'; r.i++ {
		c := r.s[r.i]
		if open == 0 && (c == ',' || c == '}' || c == ']') {
			break
		}
		switch c {
		case '[', '{', '(':
			open++
		case ']', '}', ')':
			open--
		}
	}
	word := strings.TrimSpace(r.s[start:r.i])
	switch {
	case word == "":
		return "", false
	case word == "undefined":
		return "null", true
	case json.Valid([]byte(word)):
		return word, true
	}
	return quoteJSON(word), true
}

func (r *inspected) object() (string, bool) {
	var out strings.Builder
	for out.WriteByte('{'); !r.take('}'); r.take(',') {
		if r.i == len(r.s) {
			return "", false
		}
		key, ok := r.key()
		if !ok {
			return "", false
		}
		value, ok := r.value()
		if !ok {
			return "", false
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(quoteJSON(key) + ":" + value)
	}
	out.WriteByte('}')
	return out.String(), true
}

func (r *inspected) array() (string, bool) {
	var out strings.Builder
	for out.WriteByte('['); !r.take(']'); r.take(',') {
		if r.i == len(r.s) {
			return "", false
		}
		value, ok := r.value()
		if !ok {
			return "", false
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(value)
	}
	out.WriteByte(']')
	return out.String(), true
}

func quoteJSON(text string) string {
	b, err := json.Marshal(strings.ToValidUTF8(text, "�"))
	if err != nil {
		return `""`
	}
	return string(b)
}
