package lang

import (
	"regexp"
	"strings"
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
