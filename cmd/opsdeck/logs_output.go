package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/internal/cells"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
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

// fieldJSON is a field's value: as it stands when that is JSON, else a string.
func fieldJSON(f logs.Field) json.RawMessage {
	if f.JSON && utf8.ValidString(f.Value) && json.Valid([]byte(f.Value)) {
		return json.RawMessage(f.Value)
	}
	b, _ := json.Marshal(f.Text())
	return b
}

type histogramJSON struct {
	Bucket  time.Time        `json:"bucket"`
	Count   int64            `json:"count"`
	ByLevel map[string]int64 `json:"by_level"`
}

func bucketJSON(b logs.Bucket) histogramJSON {
	h := histogramJSON{Bucket: b.At, Count: b.Count, ByLevel: map[string]int64{}}
	for l, n := range b.ByLevel {
		if n > 0 {
			h.ByLevel[logs.Level(l).String()] = n
		}
	}
	return h
}

// barWidth is how wide the longest bar of a histogram in text is.
const barWidth = 40

// bar is a line of the histogram in text.
func (r *logsRun) bar(b logs.Bucket, top int64) string {
	t := r.app.theme()
	n := 0
	if top > 0 {
		n = int((b.Count*barWidth + top - 1) / top)
	}
	var words []string
	for l := len(b.ByLevel) - 1; l >= 0; l-- {
		if b.ByLevel[l] > 0 {
			words = append(words, fmt.Sprintf("%s %d", logs.Level(l), b.ByLevel[l]))
		}
	}
	return b.At.Format("2006-01-02 15:04:05") + " " + cells.PadLeft(fmt.Sprint(b.Count), 9) + " " +
		t.Accent.Render(
			cells.Pad(strings.Repeat(t.Glyph.Full, n), barWidth),
		) + " " + t.Dim.Render(strings.Join(words, " "))
}

// context is how many lines around each hit were asked for.
func (c *logsCmd) context() (before, after int) {
	return max(c.Before, c.Around), max(c.After, c.Around)
}

// printer returns what prints a hit.
func (r *logsRun) printer() func(*index.Hit) error {
	p := logline.NewParser(r.scan.Zone, r.scan.Now)
	before, after := r.cmd.context()
	around := before > 0 || after > 0
	switch {
	case !r.cmd.JSON && !(around && r.scan.Newest):
		return func(h *index.Hit) error { return r.lines(p, h) }
	case around:
		s := &index.Surround{Scan: &r.scan, Parser: p, Before: before, After: after, Emit: r.around}
		r.scan.Last = s.Close
		return s.Hit
	}
	return func(h *index.Hit) error {
		e, err := r.scan.Event(p, h)
		if err != nil {
			return err
		}
		return r.json(&e)
	}
}

func (r *logsRun) json(e *logs.Event) error { return r.object(e, nil) }

// around prints a hit, or a line near one.
func (r *logsRun) around(e *logs.Event, hit bool) error {
	if !r.cmd.JSON {
		r.text(e.Raw, hit)
		return nil
	}
	return r.object(e, &hit)
}

func (r *logsRun) object(e *logs.Event, hit *bool) error {
	b, err := lineJSON(e, hit)
	if err != nil {
		return err
	}
	_, err = r.out.Write(termsafe.JSON(b))
	return err
}

// lines prints a hit as text: its event whole, each event once, with the lines
// around it that were asked for and -- where lines are left out between.
func (r *logsRun) lines(p *logline.Parser, h *index.Hit) error {
	before, after := r.cmd.context()
	if r.last.SameEvent(h) {
		return nil
	}
	last := &r.last
	if r.scan.Newest { // what was printed before lies after this: nothing of this was
		last = &index.Hit{}
	}
	around, err := r.scan.Around(h, before, after, last)
	if err != nil {
		return err
	}
	if around.Gap && (before > 0 || after > 0) {
		r.out.WriteString("--\n")
	}
	r.text(around.Before, false)
	if whole := r.whole(p, h); r.shaped() && whole != nil {
		r.event(whole)
	} else {
		r.text(around.Event, true)
	}
	r.text(around.After, false)
	r.last = *h
	r.last.Printed, r.last.Over = around.End, around.Over
	return nil
}

// text prints lines made safe; those that are no hit are dim.
func (r *logsRun) text(lines string, hit bool) {
	if lines == "" {
		return
	}
	if r.cmd.Raw {
		r.out.WriteString(lines)
		r.out.WriteByte('\n')
		return
	}
	t := r.app.theme()
	for line := range strings.SplitSeq(lines, "\n") {
		line = termsafe.Line(string(logline.Visible([]byte(line), nil)))
		switch {
		case !r.app.color:
		case !hit:
			line = t.Dim.Render(line)
		default:
			line = paint(t, r.query, line)
		}
		r.out.WriteString(line)
		r.out.WriteByte('\n')
	}
}
