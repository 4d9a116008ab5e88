package termsafe

import (
	"fmt"
	"unicode/utf8"
)

// JSON escapes, in a valid JSON text, the characters that a terminal could act
// on and that encoding/json leaves as they are: C1 controls, bidirectional
// marks and the like. The text means the same afterwards.
func JSON(text []byte) []byte {
	var out []byte
	last := 0
	for i := 0; i < len(text); {
		if text[i] < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		if unsafeRune(r) {
			out = append(out, text[last:i]...)
			out = appendEscape(out, r)
			last = i + n
		}
		i += n
	}
	if out == nil {
		return text
	}
	return append(out, text[last:]...)
}

func appendEscape(out []byte, r rune) []byte {
	if r < 0x10000 {
		return fmt.Appendf(out, `\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
}
