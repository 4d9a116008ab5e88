package main

import (
	"path/filepath"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
)

// shaped tells that hits are printed as the tab shows them: on a terminal, unless the bytes are
// asked for.
func (r *logsRun) shaped() bool {
	return !r.cmd.Raw && !r.cmd.JSON && !r.cmd.Explain && r.terminal
}

// whole reads the event of a hit; nil where it cannot be read or has no form to show.
func (r *logsRun) whole(p *logline.Parser, h *index.Hit) *logs.Event {
	if !r.shaped() {
		return nil
	}
	e, err := r.scan.WholeEvent(p, h)
	if err != nil {
		return nil
	}
	return &e
}

// event prints a hit: shaped on a terminal, else its lines.
func (r *logsRun) event(e *logs.Event) {
	if !r.shaped() || e.Cont || e.Time.IsZero() && e.Level == logs.LevelUnknown {
		r.text(e.Raw+moreWords(r.app.lang, e.More), true)
		return
	}
	t := r.app.theme()
	when := ""
	if !e.Time.IsZero() {
		when = strings.TrimSuffix(e.Time.In(r.scan.Zone).Format("01-02 15:04:05.000"), ".000")
	}
	level := t.Dim
	word := e.Level.String()
	switch {
	case e.Level >= logs.LevelError:
		level = t.Crit
	case e.Level == logs.LevelWarn:
		level = t.Warn
	case e.Level == logs.LevelInfo:
		level = t.OK
	case e.Level == logs.LevelUnknown:
		word = ""
	}
	var b strings.Builder
	b.WriteString(t.Dim.Render(cells.Pad(when, 18)) + " ")
	if r.sources > 1 {
		b.WriteString(t.Dim.Render(cells.Pad(cells.CutLeft(termsafe.Line(shortName(e.Source)), 12), 12)) + " ")
	}
	b.WriteString(level.Render(cells.Pad(word, 7)) + " ")
	if e.Context != "" {
		b.WriteString(t.Info.Render(termsafe.Line(e.Context)) + " ")
	}
	first, _, _ := strings.Cut(e.Message, "\n")
	b.WriteString(paint(t, r.query, termsafe.Line(string(logline.Visible([]byte(first), nil)))))
	for _, f := range e.Fields {
		if text := f.Text(); text != "" && !strings.Contains(text, "\n") {
			b.WriteString(" " + t.Dim.Render(termsafe.Line(f.Key+"="+text)))
		}
	}
	if rest := e.Rest(); rest == "" || e.Format == logs.FormatJSON {
		b.WriteString(t.Dim.Render(moreWords(r.app.lang, e.More)))
	}
	r.out.WriteString(b.String() + "\n")
	if e.Format == logs.FormatJSON { // its further lines are its fields
		r.stacks(e)
		return
	}
	if rest := e.Rest(); rest != "" {
		r.indented(rest + moreWords(r.app.lang, e.More))
	}
}

// stacks prints the fields that have several lines, each under its name.
func (r *logsRun) stacks(e *logs.Event) {
	if _, rest, ok := strings.Cut(e.Message, "\n"); ok {
		r.indented(rest)
	}
	for _, f := range e.Fields {
		if text := f.Text(); strings.Contains(text, "\n") {
			r.indented(f.Key + ": " + text)
		}
	}
}

// indented prints lines below an event.
func (r *logsRun) indented(text string) {
	t := r.app.theme()
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = termsafe.Line(string(logline.Visible([]byte(line), nil)))
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "at ") && (strings.Contains(line, "node_modules") ||
			strings.Contains(line, "node:internal")) {
			line = t.Dim.Render(line)
		}
		r.out.WriteString("    " + line + "\n")
	}
}

// shortName is a source's name without what all logs have in their names.
func shortName(source string) string { return strings.TrimSuffix(filepath.Base(source), ".log") }

// incompleteLine is the last line of NDJSON where a part of the logs could not be read.
type incompleteLine struct {
	Incomplete []string `json:"incomplete"`
}

// saysIncomplete tells that the answer itself says what could not be read.
func (r *logsRun) saysIncomplete() bool { return r.cmd.Count || r.cmd.logsStat.asked() }

// notWhole ends an answer in NDJSON with what could not be read, or not wholly.
func (r *logsRun) notWhole() error {
	if err := r.out.Flush(); err != nil {
		return err
	}
	return r.app.ndjson(incompleteLine{r.incomplete})
}
