package line

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"opsdeck/internal/redact"
	"opsdeck/ops/logs"
)

// Personal are patterns of personal numbers: Chinese ID numbers (18 characters, the last
// may be X), mobile phone numbers, and the values of fields that hold them.
var Personal = []struct {
	may  func(text, small string) bool // a cheap test whether the pattern can match
	Re   *regexp.Regexp
	With string
}{
	{func(text, _ string) bool { return digitRun(text, 17, "") },
		regexp.MustCompile(
			`(^|[^0-9A-Za-z])([1-9]\d{5})(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]([^0-9A-Za-z]|$)`,
		), "${1}${2}" + redact.Mask + "${3}"},
	{func(text, _ string) bool { return digitRun(text, 11, "- ") },
		regexp.MustCompile(
			`(^|[^0-9A-Za-z.])((?:\+?86[- ]?)?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})([^0-9A-Za-z]|$)`,
		), "${1}${2}••••${3}${4}"},
	{func(_, small string) bool { return redact.HasAny(small, "card", "identity", "phone", "mobile") },
		regexp.MustCompile(
			`(?i)("(?:id_?card|identity|phone|mobile|bank_?card|card_?no)\w*"\s*:\s*")[^"]*(")`,
		), "${1}" + redact.Mask + "${2}"},
}

// digitRun tells whether the text has n digits in a row, with at most one byte of
// between among them.
func digitRun(text string, n int, between string) bool {
	run, gap := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case Digit(c):
			if run, gap = run+1, false; run >= n {
				return true
			}
		case run > 0 && !gap && strings.IndexByte(between, c) >= 0:
			gap = true
		default:
			run = 0
		}
	}
	return false
}

// Mask masks what must not leave the server: passwords, tokens, cookies, and the phone
// and ID numbers of people.
func Mask(text string) string {
	text = redact.Text(text)
	small := redact.Small(text)
	for _, p := range Personal {
		if p.may(text, small) {
			// Twice, because two numbers can share the character between them.
			text = p.Re.ReplaceAllString(p.Re.ReplaceAllString(text, p.With), p.With)
		}
	}
	return text
}

// MaskEvent masks the event's text and fields.
func MaskEvent(e *logs.Event) {
	e.Raw, e.Message, e.Context = Mask(e.Raw), Mask(e.Message), Mask(e.Context)
	fields := make([]logs.Field, len(e.Fields))
	for i, f := range e.Fields {
		fields[i] = maskField(f)
	}
	e.Fields = fields
}

// maskField masks a field's value, also by the field's name.
func maskField(f logs.Field) logs.Field {
	key := strconv.Quote(f.Key) + ":"
	if f.JSON {
		if v, ok := strings.CutPrefix(Mask(key+f.Value), key); ok && json.Valid([]byte(v)) {
			return logs.Field{Key: f.Key, Value: v, JSON: true}
		}
		return logs.Field{Key: f.Key, Value: strconv.Quote(redact.Mask), JSON: true}
	}
	if v, ok := strings.CutPrefix(Mask(f.Key+"="+f.Value), f.Key+"="); ok {
		return logs.Field{Key: f.Key, Value: v}
	}
	return logs.Field{Key: f.Key, Value: redact.Mask}
}
