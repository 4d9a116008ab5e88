package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"opsdeck/internal/lang"
)

// token is one term of a query as it was written.
type token struct {
	pos, end int
	not      bool
	key, op  string // "" for a bare word
	value    []piece
	err      *QueryError
}

// piece is a run of the value; what was quoted has no wildcards and no commas.
type piece struct {
	text   string
	quoted bool
}

func (t token) fail(m lang.Msg) error { return &QueryError{Pos: t.pos, End: t.end, Msg: m} }

// plain is the value as text, quotes taken off.
func (t token) plain() string {
	var b strings.Builder
	for _, p := range t.value {
		b.WriteString(p.text)
	}
	return b.String()
}

// matches are the alternatives of the value, parted at commas and, within
// each, at wildcards. The unquoted word none alone asks for NULL.
func (t token) matches() []Match {
	out := []Match{{Parts: []string{""}}}
	add := func(text string) {
		m := &out[len(out)-1]
		m.Parts[len(m.Parts)-1] += text
	}
	for _, p := range t.value {
		if p.quoted {
			add(p.text)
			continue
		}
		for i, alt := range strings.Split(p.text, ",") {
			if i > 0 {
				out = append(out, Match{Parts: []string{""}})
			}
			for j, part := range strings.Split(alt, "*") {
				if j > 0 {
					m := &out[len(out)-1]
					m.Parts = append(m.Parts, "")
				}
				add(part)
			}
		}
	}
	if len(out) == 1 && len(t.value) == 1 && !t.value[0].quoted && strings.EqualFold(t.value[0].text, "none") {
		out[0].Null = true
	}
	return dropEmpty(out)
}

func dropEmpty(all []Match) []Match {
	kept := all[:0]
	for _, m := range all {
		if m.Wild() || m.Parts[0] != "" {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return []Match{Exactly("")}
	}
	return kept
}

// lex cuts a query at the white space outside quotes.
func lex(query string) []token {
	var out []token
	for at := 0; at < len(query); {
		r, size := utf8.DecodeRuneInString(query[at:])
		if unicode.IsSpace(r) {
			at += size
			continue
		}
		tok := lexTerm(query, at)
		out = append(out, tok)
		at = tok.end
		if tok.err != nil {
			break
		}
	}
	return out
}

func lexTerm(query string, at int) token {
	tok := token{pos: at}
	if query[at] == '-' && at+1 < len(query) && query[at+1] != ' ' {
		tok.not = true
		at++
	}
	if n := keyLength(query[at:]); n > 0 {
		tok.key, tok.op = query[at:at+n], query[at+n:at+n+1]
		at += n + 1
	}
	for at < len(query) {
		r, size := utf8.DecodeRuneInString(query[at:])
		switch {
		case unicode.IsSpace(r):
			tok.end = at
			return tok
		case r == '"':
			text, n, ok := unquote(query[at:])
			if !ok {
				tok.end = len(query)
				tok.err = &QueryError{Pos: at, End: len(query), Msg: lang.M("the quotation mark is not closed")}
				return tok
			}
			tok.value = append(tok.value, piece{text, true})
			at += n
		default:
			if k := len(tok.value); k > 0 && !tok.value[k-1].quoted {
				tok.value[k-1].text += query[at : at+size]
			} else {
				tok.value = append(tok.value, piece{query[at : at+size], false})
			}
			at += size
		}
	}
	tok.end = at
	return tok
}

// keyLength is the length of a key before ':' or '~', 0 when there is none.
func keyLength(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case c == ':' || c == '~':
			return i
		default:
			return 0
		}
	}
	return 0
}

// unquote reads "…" from the start of s; \" and \\ stand for themselves.
func unquote(s string) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}

// Quote writes a value so that a query reads it back as it is.
func Quote(value string) string {
	plain := value != "" && !strings.EqualFold(value, "none")
	for _, r := range value {
		if unicode.IsSpace(r) || strings.ContainsRune(`",*`, r) {
			plain = false
		}
	}
	if plain {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// Spot is what stands at a place of a query line that is being written, for
// completion: a key (Key is ""), or a value of Key. [Pos, End) is to be replaced.
type Spot struct {
	Key      string
	Prefix   string
	Pos, End int
}

// SpotAt finds what is being written at byte offset at.
func SpotAt(query string, at int) Spot {
	for _, tok := range lex(query) {
		if tok.pos > at || tok.end < at {
			continue
		}
		start := tok.pos
		if tok.not {
			start++
		}
		if tok.key == "" {
			return Spot{Prefix: query[start:max(start, at)], Pos: start, End: tok.end}
		}
		from := start + len(tok.key) + 1
		if at < from {
			return Spot{Prefix: query[start:max(start, at)], Pos: start, End: from}
		}
		if i := strings.LastIndexByte(query[from:at], ','); i >= 0 {
			from += i + 1
		}
		return Spot{Key: strings.ToLower(tok.key), Prefix: query[from:at], Pos: from, End: tok.end}
	}
	return Spot{Pos: at, End: at}
}

// Written is one term of a query as somebody wrote it.
type Written struct {
	Key   string // "" for a bare word, or a term that is turned round
	Value string // behind the key, as it was written
	Raw   string // all of it
}

// Split takes a query line apart, for a form that shows its terms.
func Split(query string) []Written {
	var out []Written
	for _, tok := range lex(query) {
		w := Written{Raw: query[tok.pos:tok.end]}
		if tok.key != "" && !tok.not {
			w.Key = strings.ToLower(tok.key)
			w.Value = query[tok.pos+len(tok.key)+1 : tok.end]
		}
		out = append(out, w)
	}
	return out
}

// TermOf writes a term as a person may have meant it: wildcards, lists and
// quotes stay what they are, and the whole is quoted only where it would not be
// one term.
func TermOf(key, value string) string {
	if all := lex(key + ":" + value); len(all) != 1 || all[0].err != nil || all[0].end != len(key)+1+len(value) {
		value = Quote(value)
	}
	return key + ":" + value
}
