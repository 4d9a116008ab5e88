package tui

import (
	"strings"
	"unicode"

	"opsdeck/internal/cells"
)

// inASCII are the marks that sentences hold, each as wide as what takes its place.
var inASCII = map[rune]rune{
	'µ': 'u', '…': '~', '–': '-', '—': '-', '→': '>', '←': '<', '↑': '^', '↓': 'v', '·': '.', '•': '*',
	'×': 'x', '±': '~',
	'‘': '\'', '’': '\'', '“': '"', '”': '"', '≥': '>', '≤': '<', '≈': '~', '✓': '+', '✗': 'x', '─': '-', '│': '|',
}

// asciiOnly replaces every mark that a terminal without Unicode cannot draw. The
// letters of a log line or a name stay what they are.
func asciiOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if to, ok := inASCII[r]; ok {
			return to
		}
		if r < 128 || unicode.IsLetter(r) || unicode.IsMark(r) || cells.Width(string(r)) != 1 {
			return r
		}
		return '?'
	}, s)
}
