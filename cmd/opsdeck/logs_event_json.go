package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"opsdeck/ops/logs"
)

// hitJSON is a line of the contract.
type hitJSON struct {
	Time    *time.Time                 `json:"time"` // null when none is known
	Level   string                     `json:"level"`
	Context string                     `json:"context"`
	Message string                     `json:"message"`
	Source  string                     `json:"source"`
	Line    int64                      `json:"line"`
	Raw     string                     `json:"raw"`
	Fields  map[string]json.RawMessage `json:"fields"`
	Explain *explainJSON               `json:"explain,omitempty"`
	Hit     *bool                      `json:"hit,omitempty"` // only where lines around hits are shown too
}

func eventJSON(e *logs.Event) ([]byte, error) { return lineJSON(e, nil) }

func lineJSON(e *logs.Event, hit *bool) ([]byte, error) {
	h := hitOf(e, hit)
	return h.line()
}

func hitOf(e *logs.Event, hit *bool) *hitJSON {
	h := &hitJSON{
		Level:   e.Level.String(),
		Context: e.Context,
		Message: e.Message,
		Source:  e.Source,
		Line:    e.Line,
		Raw:     e.Raw,
		Fields:  map[string]json.RawMessage{},
		Hit:     hit,
	}
	if !e.Time.IsZero() {
		h.Time = &e.Time
	}
	for _, f := range e.Fields {
		h.Fields[f.Key] = fieldJSON(f)
	}
	return h
}

// line is the hit as one line of JSON.
func (h *hitJSON) line() ([]byte, error) {
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

// explainJSON is how a line was read.
type explainJSON struct {
	Format string   `json:"format"` // configured, nest, json, container, time, program, logfmt, level, continues, none
	Name   string   `json:"name"`   // of a configured format
	Inner  string   `json:"inner"`  // nest, json or logfmt, after a time in front
	Why    string   `json:"why"`
	Zone   string   `json:"zone"` // that a time without one is taken for; empty where the line says its own
	Notes  []string `json:"notes"`
}
