// Package termsafe makes text from outside safe for a terminal: log lines, rows,
// file names, server messages. Nothing it returns can move the cursor, change a
// colour, hide text or turn its direction; what would have is shown as a mark,
// in the manner of less(1): ^[ for ESC, <U+202E> for a bidirectional override,
// <FF> for a byte that is not UTF-8.
package termsafe

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// tabWidth is how many cells a tab may take.
const tabWidth = 4

// Line makes one line safe. Line breaks become marks too; tabs become spaces
// up to the next multiple of tabWidth, counted in runes.
func Line(s string) string { return clean(s, false) }

// Text makes text safe that may span lines: \n stays, \r\n becomes \n.
func Text(s string) string { return clean(s, true) }

// Safe tells that Text leaves a text as it is.
func Safe(s string) bool { return firstUnsafe(s, true) < 0 }

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
	for i := printable(s, 0); i < len(s); {
		if s[i] == '\n' && lines {
			i = printable(s, i+1)
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unsafeRune(r) {
			return i
		}
		if i += n; i < len(s) && s[i] < utf8.RuneSelf {
			i = printable(s, i)
		}
	}
	return -1
}

// printable is the end of the run of printable ASCII that begins at i.
func printable(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for b := unsafe.Slice(unsafe.StringData(s), len(s)); i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if (w|(w-ones*' ')|(w+ones))&highs != 0 { // a byte from 0x80 on, below a space, or DEL
			break
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	return i
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
