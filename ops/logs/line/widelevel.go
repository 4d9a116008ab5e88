package line

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"opsdeck/ops/logs"
)

// Levels as they are written in Chinese: with full-width colons and brackets, and with a
// Chinese word for the level.

// levelBrackets may stand round a level.
var levelBrackets = [...][2]string{
	{"【", "】"}, {"［", "］"}, {"〔", "〕"}, {"〖", "〗"}, {"（", "）"}, {"「", "」"}, {"《", "》"},
	{"[", "]"}, {"<", ">"}, {"(", ")"},
}

// wideLevel reads "ERROR：text", "错误: text", "【ERROR】 text" and "[错误] text"; a level in
// ASCII alone is not looked at.
func wideLevel(b []byte) (l logs.Level, rest []byte, ok bool) {
	at := 0
	for end := min(len(b), maxLevelWord+8); at < end && b[at] < utf8.RuneSelf; {
		at++
	}
	if at == len(b) || b[at] < utf8.RuneSelf {
		return 0, nil, false
	}
	closing := ""
	for _, pair := range levelBrackets {
		if after, opens := bytes.CutPrefix(b, []byte(pair[0])); opens {
			b, closing = bytes.TrimLeft(after, " "), pair[1]
			break
		}
	}
	n := 0
	for n < len(b) && n < maxLevelWord {
		r, size := utf8.DecodeRune(b[n:])
		if !unicode.Is(unicode.Han, r) && (r >= utf8.RuneSelf || !Letter(byte(r))) {
			break
		}
		n += size
	}
	if l, ok = logs.ParseLevel(string(b[:n])); !ok {
		return 0, nil, false
	}
	after := bytes.TrimLeft(b[n:], " ")
	if closing != "" {
		after, ok = bytes.CutPrefix(after, []byte(closing))
	} else {
		ok = bytes.HasPrefix(after, []byte("：")) || bytes.HasPrefix(after, []byte("｜")) ||
			b[0] >= utf8.RuneSelf && len(after) > 0 && (after[0] == ':' || after[0] == '|')
	}
	return l, afterLevel(after), ok
}

// afterLevel skips what separates a level from the text.
func afterLevel(b []byte) []byte { return bytes.TrimLeft(b, ":：｜|，,;- \t") }
