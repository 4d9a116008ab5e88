// Package termsafe makes text from outside safe for a terminal: log lines, rows,
// file names, server messages. Nothing it returns can move the cursor, change a
// colour, hide text or turn its direction; what would have is shown as a mark,
// in the manner of less(1): ^[ for ESC, <U+202E> for a bidirectional override,
// <FF> for a byte that is not UTF-8.
package termsafe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tabWidth is how many cells a tab may take.
const tabWidth = 4

// Line makes one line safe. Line breaks become marks too; tabs become spaces
// up to the next multiple of tabWidth, counted in runes.
func Line(s string) string { return clean(s, false) }

// Text makes text safe that may span lines: \n stays, \r\n becomes \n.
func Text(s string) string { return clean(s, true) }

func clean(s string, lines bool) string {
	i := firstUnsafe(s, lines)
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:i])
	column := utf8.RuneCountInString(s[strings.LastIndexByte(s[:i], '\n')+1 : i])
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n' && lines:
			b.WriteByte('\n')
			column = -1
		case r == '\r' && lines && strings.HasPrefix(s[i+1:], "\n"):
			column--
		case r == '\t':
			pad := tabWidth - column%tabWidth
			b.WriteString("    "[:pad])
			column += pad - 1
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "<%02X>", s[i])
		case unsafeRune(r):
			b.WriteString(mark(r))
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
		column++
	}
	return b.String()
}

func firstUnsafe(s string, lines bool) int {
	for i, r := range s {
		if r >= ' ' && r < 0x7f || r == '\n' && lines {
			continue
		}
		if r == utf8.RuneError || unsafeRune(r) {
			if r == utf8.RuneError {
				if _, n := utf8.DecodeRuneInString(s[i:]); n > 1 {
					continue
				}
			}
			return i
		}
	}
	return -1
}

// unsafeRune tells what a terminal could act on or a reader not see.
func unsafeRune(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0: // C0, DEL, C1
		return true
	case r < 0x300:
		return r == 0xad // soft hyphen
	case r == 0x61c, r == 0x180e, r == 0xfeff, r == 0x2028, r == 0x2029:
		return true
	case r == 0x200b, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.Is(unicode.Co, r) || unicode.Is(unicode.Cs, r)
}

func mark(r rune) string {
	switch {
	case r < ' ':
		return "^" + string(r+'@')
	case r == 0x7f:
		return "^?"
	}
	return fmt.Sprintf("<U+%04X>", r)
}
