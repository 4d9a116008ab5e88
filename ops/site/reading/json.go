package reading

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"opsdeck/ops/logs"
)

// Hit is an event in JSON, a line of the contract.
type Hit struct {
	Time    *time.Time                 `json:"time"` // null when none is known
	Level   string                     `json:"level"`
	Context string                     `json:"context"`
	Message string                     `json:"message"`
	Source  string                     `json:"source"`
	Line    int64                      `json:"line"`
	Raw     string                     `json:"raw"`
	Fields  map[string]json.RawMessage `json:"fields"`
	Cut     bool                       `json:"truncated,omitempty"` // raw ends early, as do message and fields
	Bytes   int64                      `json:"raw_bytes,omitempty"` // of the whole of what raw begins
	Explain *Explained                 `json:"explain,omitempty"`
	IsHit   *bool                      `json:"hit,omitempty"` // only where lines around hits are shown too
}

// HitOf is an event in JSON. hit tells, where lines around hits are shown too, whether it is one.
func HitOf(e *logs.Event, hit *bool) *Hit {
	h := &Hit{
		Level:   e.Level.String(),
		Context: e.Context,
		Message: e.Message,
		Source:  e.Source,
		Line:    e.Line,
		Raw:     e.Raw,
		Fields:  map[string]json.RawMessage{},
		IsHit:   hit,
	}
	if !e.Time.IsZero() {
		h.Time = &e.Time
	}
	if e.More > 0 {
		h.Cut, h.Bytes = true, int64(len(e.Raw))+e.More
	}
	for _, f := range e.Fields {
		h.Fields[f.Key] = fieldJSON(f)
	}
	return h
}

// Encode is the hit as one line of JSON.
func (h *Hit) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(h); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return b.Bytes(), nil
}

// fieldJSON is a field's value: unchanged if it is JSON, else a string.
func fieldJSON(f logs.Field) json.RawMessage {
	if f.JSON && utf8.ValidString(f.Value) && json.Valid([]byte(f.Value)) {
		return json.RawMessage(f.Value)
	}
	b, _ := json.Marshal(f.Text())
	return b
}

// Explained is how a line was read.
type Explained struct {
	Format string   `json:"format"` // configured, nest, json, container, time, program, logfmt, level, continues, none
	Name   string   `json:"name"`   // of a configured format
	Inner  string   `json:"inner"`  // nest, json or logfmt, after a time in front
	Why    string   `json:"why"`
	Zone   string   `json:"zone"` // that a time without one is taken for; empty where the line says its own
	Notes  []string `json:"notes"`
}
