package sqlscan

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// errAmbiguous says that servers of different versions read a statement
// differently, because a comment that only some of them run holds the signs of
// a comment inside quotes. Such a statement is never sent.
var errAmbiguous = errors.New("statement that servers read differently")

// ErrOpen says that a quote or a comment has no end.
var ErrOpen = errors.New("quote or comment without its end")

// Text is a statement with its tokens, without blanks, comments and the marks
// of comments that are code.
type Text struct {
	SQL    []byte
	Tokens []Token
	Mode   Mode
	// Conditional tells for each opening of a conditional comment where its
	// code begins and ends, so that an edit can tell what it stands in.
	Conditional []Token
}

// surelyRun is the greatest version in a comment that every server alive runs:
// MariaDB leaves out 50700 to 50999.
const surelyRun = 50699

// Tokenize reads a whole statement.
func Tokenize(sql []byte, mode Mode) (*Text, error) {
	return tokenize(sql, mode, func(*Text) bool { return true })
}

// Head reads a statement up to the word VALUES or VALUE (included), or whole
// when it has none.
func Head(sql []byte, mode Mode) (*Text, error) {
	return tokenize(sql, mode, func(t *Text) bool {
		last := len(t.Tokens) - 1
		return !(t.Is(last, "VALUES") || t.Is(last, "VALUE"))
	})
}

func tokenize(sql []byte, mode Mode, goOn func(*Text) bool) (*Text, error) {
	t := &Text{SQL: sql, Mode: mode}
	inCode, unsure, quotes := false, false, body{}
	for at := 0; at < len(sql); {
		tok, _ := quotes.read(sql, at, mode, inCode)
		at = tok.End
		body := sql[tok.Start:tok.End]
		switch tok.Kind {
		case Open:
			return nil, ErrOpen
		case Space:
			continue
		case Code:
			inCode = !inCode
			unsure = inCode && !surely(body)
			if inCode {
				t.Conditional = append(t.Conditional, Token{Code, tok.End, len(sql)})
			} else {
				t.Conditional[len(t.Conditional)-1].End = tok.Start
			}
			continue
		}
		if unsure && len(body) > 1 && holdsCommentSigns(body, tok.Kind) {
			return nil, errAmbiguous
		}
		if tok.Kind == Comment {
			if inCode && codeOpens(body) > 0 {
				return nil, errAmbiguous // servers differ about what is nested
			}
			if hint(body) && bytes.ContainsAny(body, "'\"`\\") {
				return nil, errAmbiguous
			}
			continue
		}
		quotes.note(sql, tok)
		t.Tokens = append(t.Tokens, tok)
		if !goOn(t) {
			return t, nil
		}
	}
	if inCode {
		return nil, ErrOpen
	}
	return t, nil
}

// surely tells whether every server runs what the opening opens.
func surely(opening []byte) bool {
	if opening[2] == 'M' {
		return false
	}
	version, err := strconv.Atoi(string(opening[3:]))
	return err != nil || version <= surelyRun
}

func holdsCommentSigns(body []byte, kind Kind) bool {
	if kind == Comment && bytes.HasPrefix(body, []byte("/*")) {
		body = body[2 : len(body)-2]
	}
	return bytes.Contains(body, []byte("*/")) || bytes.Contains(body, []byte("/*"))
}

func hint(comment []byte) bool { return bytes.HasPrefix(comment, []byte("/*+")) }

// Len is the number of tokens.
func (t *Text) Len() int { return len(t.Tokens) }

// Bytes is the text of token i; nil when there is none.
func (t *Text) Bytes(i int) []byte {
	if i < 0 || i >= len(t.Tokens) {
		return nil
	}
	return t.SQL[t.Tokens[i].Start:t.Tokens[i].End]
}

// Kind is the kind of token i; End when there is none.
func (t *Text) Kind(i int) Kind {
	if i < 0 || i >= len(t.Tokens) {
		return End
	}
	return t.Tokens[i].Kind
}

// Is tells whether token i is that keyword or that punctuation.
func (t *Text) Is(i int, word string) bool {
	k := t.Kind(i)
	return (k == Word || k == Punct) && len(t.Bytes(i)) == len(word) && strings.EqualFold(string(t.Bytes(i)), word)
}

// Any tells whether token i is one of the keywords.
func (t *Text) Any(i int, words ...string) bool {
	for _, w := range words {
		if t.Is(i, w) {
			return true
		}
	}
	return false
}

// Follows tells whether the keywords stand from token i on.
func (t *Text) Follows(i int, words ...string) bool {
	for n, w := range words {
		if !t.Is(i+n, w) {
			return false
		}
	}
	return true
}

// Upper is token i as an upper-case keyword; "" for what is none.
func (t *Text) Upper(i int) string {
	if t.Kind(i) != Word {
		return ""
	}
	return strings.ToUpper(string(t.Bytes(i)))
}

// Name is the name that token i is, without its quotes. ok is false for what
// cannot be a name.
func (t *Text) Name(i int) (name string, ok bool) {
	switch b := t.Bytes(i); t.Kind(i) {
	case Word:
		return string(b), true
	case Ident:
		q := string(b[0])
		return strings.ReplaceAll(string(b[1:len(b)-1]), q+q, q), true
	}
	return "", false
}

// Value is the text of a string literal, its escapes resolved.
func (t *Text) Value(i int) (string, bool) {
	if t.Kind(i) != String {
		return "", false
	}
	return string(Unquote(nil, t.Bytes(i), t.Mode)), true
}

// unescaped holds what a backslash and a letter mean; other bytes mean
// themselves, but for % and _, which keep the backslash.
var unescaped = [256]byte{'0': 0, 'b': '\b', 'n': '\n', 'r': '\r', 't': '\t', 'Z': 0x1a}

// Unquote appends the text that a quoted literal stands for.
func Unquote(dst, literal []byte, mode Mode) []byte {
	q := literal[0]
	if q == '$' {
		tag := dollarTag(literal)
		return append(dst, literal[tag:len(literal)-tag]...)
	}
	body := literal[1 : len(literal)-1]
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case c == q:
			i++
		case c == '\\' && !mode.NoBackslash && i+1 < len(body):
			i++
			c = body[i]
			switch c {
			case '0', 'b', 'n', 'r', 't', 'Z':
				c = unescaped[c]
			case '%', '_':
				dst = append(dst, '\\')
			}
		}
		dst = append(dst, c)
	}
	return dst
}
