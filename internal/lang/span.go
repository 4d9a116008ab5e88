package lang

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a duration as human.Duration writes it: "850 ms", "1.5 s", "8 h 28 m".
var span = regexp.MustCompile(`^(?:[<~-])?\d+(?:\.\d+)? (?:µs|ms|s|m|h|d)(?: \d+ (?:s|m|h))?$`)

var spanUnits = strings.NewReplacer(" µs", " 微秒", " ms", " 毫秒", " s", " 秒", " m", " 分", " h", " 小时", " d", " 天")

// Span writes a duration, as human.Duration makes it, with the units of the printer's
// language. Any other text stays as it is. An argument of a sentence is written so
// by itself.
func (p *Printer) Span(text string) string {
	if p.code != "zh" || len(text) < 3 || text[len(text)-1] > 'z' || !span.MatchString(text) {
		return text
	}
	return spanUnits.Replace(text)
}

// spanned is a duration as an argument of a Chinese sentence; where it is quoted, it is
// what somebody wrote, and stays so.
type spanned struct{ text, said string }

// Format writes it, with a mark for joined.
func (d spanned) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(s, "%q", d.text)
		return
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), d.said+spanEnd)
}

// spanEnd follows a span in a sentence until joined has looked at what comes after it.
const spanEnd = "\x00"

// joined takes the marks out, with the space between a span and the Chinese after it: the
// sentence has it for arguments that end in Latin letters, and "3 分 内" is no Chinese.
func joined(text string) string {
	before, after, found := strings.Cut(text, spanEnd)
	for found {
		next, _ := utf8.DecodeRuneInString(strings.TrimPrefix(after, " "))
		if unicode.Is(unicode.Han, next) {
			after = strings.TrimPrefix(after, " ")
		}
		before, after, found = strings.Cut(before+after, spanEnd)
	}
	return before
}
