package cells

import (
	"strings"
	"unicode"
)

// inASCII are the marks that sentences hold, each as wide as what takes its place.
var inASCII = map[rune]rune{
	'µ': 'u', '…': '~', '–': '-', '—': '-', '↑': '^', '↓': 'v', '·': '.', '•': '*',
	'×': 'x', '±': '~', 'Δ': 'd',
	'‘': '\'', '’': '\'', '“': '"', '”': '"', '≥': '>', '≤': '<', '≈': '~', '✓': '+', '✗': 'x', '─': '-', '│': '|',
}

// ASCII replaces every mark that a terminal without Unicode cannot draw. The
// letters of a log line or a name stay what they are.
func ASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if to, ok := inASCII[r]; ok {
			return to
		}
		if r < 128 || unicode.IsLetter(r) || unicode.IsMark(r) || Width(string(r)) != 1 {
			return r
		}
		return '?'
	}, spelled(s))
}

// spelled writes arrows as "->" and "<-", for ">" reads as a comparison. The cell more
// is taken from the next gap of the line, so that columns stay where they are.
func spelled(s string) string {
	if !strings.ContainsAny(s, "→←") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		var out strings.Builder
		more := 0
		for at, r := range l {
			switch {
			case r == '→' || r == '←':
				more++
				out.WriteString(map[rune]string{'→': "->", '←': "<-"}[r])
			case r == ' ' && more > 0 && strings.HasPrefix(l[at:], "  "):
				more-- // the gap stays one cell at least
			default:
				out.WriteRune(r)
			}
		}
		lines[i] = out.String()
	}
	return strings.Join(lines, "\n")
}

// ScreenInASCII is a screen of a width in ASCII; a line that its arrows made too long is cut.
func ScreenInASCII(s string, width int) string {
	lines := strings.Split(spelled(s), "\n")
	for i, l := range lines {
		if width > 0 {
			lines[i] = Cut(l, width)
		}
	}
	return ASCII(strings.Join(lines, "\n"))
}
