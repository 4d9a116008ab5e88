package main

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/site/reading"
)

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
		r.text(e.Raw+moreWords(r.app.lang, e.More), hit)
		return nil
	}
	return r.object(e, &hit)
}

func (r *logsRun) object(e *logs.Event, hit *bool) error {
	b, err := reading.HitOf(e, hit).Encode()
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
	} else if err := r.longText(h, &around); err != nil {
		return err
	}
	r.text(around.After, false)
	r.last = *h
	r.last.Printed, r.last.Over = around.End, around.Over
	return nil
}
