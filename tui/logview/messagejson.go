package logview

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
)

// Bounds of the look for JSON in a message.
const (
	jsonMessageMax = 256 << 10
	jsonPlacesMax  = 16
	jsonShortest   = 8 // bytes: {"a":12}
)

// jsonIn is the first object or list of objects in a message; empty without one.
func jsonIn(message string) string {
	if len(message) > jsonMessageMax {
		return ""
	}
	at := 0
	for range jsonPlacesMax {
		i := strings.IndexAny(message[at:], "{[")
		if i < 0 {
			return ""
		}
		at += i
		var value json.RawMessage
		if json.NewDecoder(strings.NewReader(message[at:])).Decode(&value) == nil && len(value) >= jsonShortest &&
			bytes.IndexByte(value, '{') >= 0 && bytes.IndexByte(value, ':') > 0 {
			return string(value)
		}
		at++
	}
	return ""
}

// messageJSON lays out the JSON that a message holds.
func (p *look) messageJSON(e *logs.Event, width int) []string {
	text := jsonIn(e.Message)
	var laid bytes.Buffer
	if text == "" || json.Indent(&laid, []byte(text), "", "  ") != nil {
		return nil
	}
	out := []string{"", p.rule(p.env.T("JSON in the message"), width)}
	return append(out, wrapAll(termsafe.Text(laid.String()), width-2, " ")...)
}

// bareWord is a name and value that a query finds in text without a key: data.orderId=456.
var bareWord = regexp.MustCompile(`^[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*=[^=<>~\s"'|]+$`)

// messagePairs are the values of the JSON that a line of text holds in its message. In a
// line that is JSON itself they are escaped: no word finds them there.
func messagePairs(e *logs.Event) (out []pair) {
	if e.Format == logs.FormatJSON {
		return nil
	}
	object := jsonIn(e.Message)
	if !strings.HasPrefix(object, "{") {
		return nil
	}
	for _, in := range pairsIn("", object, 0) {
		in.name = strings.TrimPrefix(in.name, ".")
		in.bare = true
		if bareWord.MatchString(in.name + "=" + in.value) {
			out = append(out, in)
		}
	}
	return out
}
