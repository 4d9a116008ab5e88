package sqlscan

import "bytes"

// body follows a statement's words to tell where MySQL's text in dollar quotes can begin:
// after AS, in a routine or library of another language than SQL. Elsewhere a $ begins a name,
// as it does in MariaDB and in MySQL before 8.0.32.
//
// MySQL Reference Manual, "CREATE LIBRARY Statement" and "String Literals".
type body struct {
	told     bool // LANGUAGE was the last word
	language bool // of another language than SQL
	as       bool // AS was the last word
}

// note takes the next token of the statement that is neither blank nor a comment.
func (b *body) note(text []byte, t Token) {
	word := text[t.Start:t.End]
	if b.told {
		b.language = t.Kind == Word && !is(word, "SQL") && !is(word, "AS")
	}
	b.told = t.Kind == Word && is(word, "LANGUAGE")
	b.as = t.Kind == Word && is(word, "AS")
}

// opens tells whether what begins at text[at] is text in dollar quotes.
func (b *body) opens(text []byte, at int) bool { return b.as && b.language && text[at] == '$' }

// read is scan for a token of a statement whose words b has followed.
func (b *body) read(text []byte, at int, mode Mode, inCode bool) (Token, bool) {
	if b.opens(text, at) {
		if t, more := dollarQuoted(text, at); t.Kind != End {
			return t, more
		}
	}
	return scan(text, at, mode, inCode)
}

// dollarQuoted reads $$…$$ or $tag$…$tag$; its Kind is End where no such text begins.
func dollarQuoted(text []byte, at int) (Token, bool) {
	n := dollarTag(text[at:])
	if n == 0 {
		return Token{}, false
	}
	if n < 0 { // the tag may go on
		return Token{Open, at, len(text)}, true
	}
	tag := text[at : at+n]
	end := bytes.Index(text[at+n:], tag)
	if end < 0 {
		return Token{Open, at, len(text)}, true
	}
	return Token{String, at, at + n + end + n}, false
}

// dollarTag is the length of the tag, with both its dollars, that a text begins with; 0 when
// it begins with none, -1 when the text ends in it.
func dollarTag(text []byte) int {
	for n := 1; n < len(text); n++ {
		switch {
		case text[n] == '$':
			return n + 1
		case !wordByte[text[n]]:
			return 0
		}
	}
	return -1
}
