package redact

import (
	"bytes"
	"encoding/json"

	"opsdeck/internal/pattern"
)

var jsonString = pattern.New(`"(?:[^"\\]|\\.)*"`)

// JSON masks the secrets in each text of a JSON document, which stays one.
func JSON(doc []byte) []byte {
	return jsonString.Regexp().ReplaceAllFunc(doc, func(quoted []byte) []byte {
		var text string
		if json.Unmarshal(quoted, &text) != nil {
			return quoted
		}
		masked := Text(text)
		if masked == text {
			return quoted
		}
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if e.Encode(masked) != nil {
			return quoted
		}
		return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	})
}
