// Package sqlscan reads SQL text of MySQL and MariaDB by tokens: it splits a
// stream into statements in bounded memory, tells what a statement does and
// which names stand in it, and changes names, definers and indexes in place.
// Nothing here searches text: a name inside a string or a comment is no name.
//
// The rules are those of the server's lexer:
// https://dev.mysql.com/doc/refman/8.4/en/language-structure.html
package sqlscan

import (
	"bytes"
	"strings"
)

// Mode is what sql_mode changes about reading.
type Mode struct {
	ANSIQuotes  bool // "x" is a name
	NoBackslash bool // \ is a character like any other
	// Wide is the client's charset when its characters can hold a byte that
	// looks like \ or `: WideChinese or WideJapanese.
	Wide byte
	// FoldNames is for servers whose lower_case_table_names is 1: Refs are in lower case.
	FoldNames bool
}

// Same reports whether two names mean the same database or table.
func (m Mode) Same(a, b string) bool { return a == b || m.FoldNames && strings.EqualFold(a, b) }

// Fold is a name of a database or table as the server stores it.
func (m Mode) Fold(name string) string {
	if m.FoldNames {
		return strings.ToLower(name)
	}
	return name
}

// Charsets in which the second byte of a character can look like ASCII.
const (
	wideChinese  = 1 // gbk, gb18030, big5
	wideJapanese = 2 // sjis, cp932
)

// WideOf is the Mode.Wide of a charset's name. ok is false for a charset that a
// client cannot use.
func WideOf(charset string) (wide byte, ok bool) {
	switch strings.ToLower(charset) {
	case "gbk", "gb18030", "big5":
		return wideChinese, true
	case "sjis", "cp932":
		return wideJapanese, true
	case "ucs2", "utf16", "utf16le", "utf32":
		return 0, false
	}
	return 0, true
}

// wide tells whether a character of two bytes begins at text[i].
func (m Mode) wide(text []byte, i int) bool {
	c := text[i]
	if m.Wide == 0 || c < 0x81 || c > 0xfe || i+1 >= len(text) || text[i+1] < '0' {
		return false
	}
	return m.Wide == wideChinese || c <= 0x9f || c >= 0xe0 && c <= 0xfc
}

// ModeOf reads the value of sql_mode.
func ModeOf(sqlMode string) Mode {
	var m Mode
	for _, word := range strings.Split(strings.ToUpper(sqlMode), ",") {
		switch strings.TrimSpace(word) {
		case "ANSI", "ANSI_QUOTES", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL":
			m.ANSIQuotes = true
		case "NO_BACKSLASH_ESCAPES":
			m.NoBackslash = true
		}
	}
	return m
}

// Kind is what a token is.
type Kind uint8

// The kinds. Code is the opening or the end of a comment that the server runs.
const (
	End Kind = iota
	Space
	Comment
	Code
	Word     // a keyword or a name without quotes
	Ident    // a name in quotes
	String   // 'x', "x", or the $$x$$ of a routine in another language
	Number   // 1, 1.5e3, 0xFF
	Variable // @x, @`x`, @'x', @@
	Punct    // one character
	Open     // a quote or comment without its end
)

// Token is a piece of a statement: text[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
}

// class tells for a byte where the fast loops have to look up.
var wordByte, spaceByte [256]bool

func init() {
	for c := range 256 {
		b := byte(c)
		wordByte[c] = b == '_' || b == '$' || b >= 0x80 || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
	}
	for _, b := range " \t\n\v\f\r\x00" {
		spaceByte[b] = true
	}
}

// scan reads the token that begins at text[at]. inCode tells that a /*! is open.
// more says that the token could go on behind the end of text: read on, unless
// the text ends there.
func scan(text []byte, at int, mode Mode, inCode bool) (t Token, more bool) {
	c := text[at]
	switch {
	case spaceByte[c]:
		end := at + 1
		for end < len(text) && spaceByte[text[end]] {
			end++
		}
		return Token{Space, at, end}, false
	case c == '\'' || c == '"' || c == '`':
		return quoted(text, at, at, mode)
	case c >= '0' && c <= '9' || c == '.' && at+1 < len(text) && digit(text[at+1]) && !afterName(text, at):
		return number(text, at)
	case wordByte[c]:
		return word(text, at, mode)
	}
	return punctuation(text, at, mode, inCode)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// afterName tells whether what is before at can be a name that the dot at at
// belongs to.
func afterName(text []byte, at int) bool {
	return at > 0 && (wordByte[text[at-1]] || text[at-1] == '`' || text[at-1] == '"')
}

func word(text []byte, at int, mode Mode) (Token, bool) {
	end := at
	for end < len(text) && wordByte[text[end]] {
		if mode.wide(text, end) {
			end++
		}
		end++
	}
	return Token{Word, at, end}, end == len(text)
}

// number reads digits, fraction and exponent. What begins with digits and goes
// on with letters is a name, except behind 0x, 0b and an exponent.
func number(text []byte, at int) (Token, bool) {
	if at > 0 && text[at-1] == '.' && text[at] != '.' {
		return word(text, at, Mode{}) // db.1table
	}
	end := at
	for end < len(text) && digit(text[end]) {
		end++
	}
	if end < len(text) && text[end] == '.' {
		end++
		for end < len(text) && digit(text[end]) {
			end++
		}
	}
	if end < len(text) && text[end]|0x20 == 'e' {
		exp := end + 1
		if exp < len(text) && (text[exp] == '-' || text[exp] == '+') {
			exp++
		}
		if exp == len(text) {
			return Token{Number, at, exp}, true
		}
		if digit(text[exp]) {
			end = exp
			for end < len(text) && digit(text[end]) {
				end++
			}
		}
	}
	kind := Number
	if end < len(text) && wordByte[text[end]] {
		kind = Word
		for end < len(text) && wordByte[text[end]] {
			end++
		}
		if radix(text[at:end]) {
			kind = Number
		}
	}
	return Token{kind, at, end}, end == len(text)
}

// radix tells 0x1F and 0b01 from names.
func radix(text []byte) bool {
	if len(text) < 3 || text[0] != '0' {
		return false
	}
	for _, c := range text[2:] {
		hex := digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
		if text[1] == 'x' && !hex || text[1] == 'b' && c != '0' && c != '1' {
			return false
		}
	}
	return text[1] == 'x' || text[1] == 'b'
}

// quoted reads what is in quotes from text[quote] on, as a token from start.
func quoted(text []byte, start, quote int, mode Mode) (Token, bool) {
	q := text[quote]
	kind := String
	if q == '`' || q == '"' && mode.ANSIQuotes {
		kind = Ident
	}
	escapes := kind == String && !mode.NoBackslash
	i := quote + 1
	for i < len(text) {
		c := text[i]
		switch {
		case c == q:
			if i+1 == len(text) {
				return Token{kind, start, i + 1}, true
			}
			if text[i+1] != q {
				return Token{kind, start, i + 1}, false
			}
			i += 2
		case c == '\\' && escapes:
			i += 2
		case c >= 0x80 && mode.wide(text, i):
			i += 2
		default:
			i++
		}
	}
	return Token{Open, start, len(text)}, true
}

// maxPunctuation is how far punctuation looks ahead to tell what it is.
const maxPunctuation = 12

func punctuation(text []byte, at int, mode Mode, inCode bool) (Token, bool) {
	rest := text[at:]
	short := len(rest) < maxPunctuation
	switch {
	case rest[0] == '#':
		return line(text, at)
	case rest[0] == '-' && len(rest) >= 2 && rest[1] == '-' && (len(rest) == 2 || rest[2] <= ' ' || rest[2] == 0x7f):
		t, more := line(text, at)
		return t, more || len(rest) == 2
	case rest[0] == '/' && len(rest) >= 2 && rest[1] == '*':
		if n := codeOpens(rest); n > 0 && !inCode {
			return Token{Code, at, at + n}, short
		}
		end := bytes.Index(rest[2:], []byte("*/"))
		if end < 0 {
			return Token{Open, at, len(text)}, true
		}
		return Token{Comment, at, at + 2 + end + 2}, false
	case inCode && rest[0] == '*' && len(rest) >= 2 && rest[1] == '/':
		return Token{Code, at, at + 2}, false
	case rest[0] == '@':
		return variable(text, at, mode)
	}
	return Token{
			Punct,
			at,
			at + 1,
		}, len(rest) < 3 &&
			(rest[0] == '-' || rest[0] == '/' || rest[0] == '*' || rest[0] == '.')
}

// line reads a comment to the end of its line, without the line break.
func line(text []byte, at int) (Token, bool) {
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		return Token{Comment, at, at + n}, false
	}
	return Token{Comment, at, len(text)}, true
}

// codeOpens returns the length of the opening of a comment that a server runs:
// /*!, /*!50100, /*M!, /*M!100100. 0 means a plain comment. /*M!999999\- is the
// line that puts the mariadb client into its sandbox: no server runs it.
func codeOpens(rest []byte) int {
	n := 2
	if n < len(rest) && rest[n] == 'M' {
		n++
	}
	if n >= len(rest) || rest[n] != '!' {
		return 0
	}
	n++
	for digits := 0; digits < 6 && n < len(rest) && digit(rest[n]); digits++ {
		n++
	}
	if n+1 < len(rest) && rest[n] == '\\' && rest[n+1] == '-' {
		return 0
	}
	return n
}

func variable(text []byte, at int, mode Mode) (Token, bool) {
	i := at + 1
	if i == len(text) {
		return Token{Variable, at, i}, true
	}
	switch c := text[i]; {
	case c == '@':
		return Token{Variable, at, i + 1}, false
	case c == '\'' || c == '"' || c == '`':
		t, more := quoted(text, at, i, mode)
		if t.Kind != Open {
			t.Kind = Variable
		}
		return t, more
	}
	for i < len(text) && (wordByte[text[i]] || text[i] == '.') {
		i++
	}
	return Token{Variable, at, i}, i == len(text)
}
