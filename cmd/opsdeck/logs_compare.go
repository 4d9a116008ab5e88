package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
)

type (
	compareJSON struct {
		Good     compareSpanJSON      `json:"good"`
		Bad      compareSpanJSON      `json:"bad"`
		Beyond   int64                `json:"not_counted"`
		Patterns []comparePatternJSON `json:"patterns"`
		incompleteJSON
	}
	compareSpanJSON struct {
		Since  time.Time `json:"since"`
		Until  time.Time `json:"until"`
		Events int64     `json:"events"`
	}
	comparePatternJSON struct {
		Change  stat.Change `json:"change"` // new, more, gone, fewer, same
		Good    int64       `json:"good"`
		Bad     int64       `json:"bad"`
		Level   string      `json:"level"`
		Context string      `json:"context"`
		Pattern string      `json:"pattern"`
	}
)

// compare prints how the patterns of a time differ from those of a good one.
func (r *logsRun) compare(ctx context.Context, sources []logs.Source) error {
	now := r.app.clock.Now()
	good, bad, shorter, err := stat.Spans(r.cmd.Compare, r.query.Since, r.query.Until, now)
	if err != nil {
		return err
	}
	if shorter {
		r.app.note(lang.M("the good span ends at --since: it is shorter than the time in question"))
	}
	c, err := stat.Compare(ctx, &r.scan, sources, good, bad)
	if err != nil {
		return err
	}
	if c.Events[0] == 0 && c.Events[1] > 0 {
		if r.unfiltered() {
			return ops.E(ops.Failed, lang.M("there are no events in the good span: nothing to compare with")).
				WithHint(lang.M("give --compare a time for which there are logs"))
		}
		r.app.note(lang.M("nothing in the good span matches the query: every pattern is new"))
	}
	r.hits = c.Events[0] + c.Events[1]
	if r.cmd.JSON {
		doc := comparedDocument(c)
		doc.Incomplete = r.incomplete
		return r.app.json(doc)
	}
	r.sayCompared(c)
	return nil
}

// unfiltered tells that nothing but the time narrows what is looked at.
func (r *logsRun) unfiltered() bool {
	q := *r.query
	q.Since, q.Until = query.ZeroTime, query.ZeroTime
	return q.Empty()
}

func comparedDocument(c *stat.Comparison) *compareJSON {
	doc := &compareJSON{
		Good:     compareSpanJSON{c.Good.From, c.Good.To, c.Events[0]},
		Bad:      compareSpanJSON{c.Bad.From, c.Bad.To, c.Events[1]},
		Beyond:   c.Beyond,
		Patterns: []comparePatternJSON{},
	}
	for i := range c.Patterns {
		p := &c.Patterns[i]
		doc.Patterns = append(doc.Patterns,
			comparePatternJSON{p.Change, p.Good, p.Bad, p.Level.String(), p.Context, p.Text})
	}
	return doc
}

// sayCompared prints what differs, one pattern a line.
func (r *logsRun) sayCompared(c *stat.Comparison) {
	l := r.app.lang
	t := r.app.theme()
	width := r.app.width()
	words := map[stat.Change]string{
		stat.New: l.T("NEW"), stat.More: l.T("more"), stat.Gone: l.T("disappeared"), stat.Fewer: l.T("fewer"),
	}
	r.out.WriteString(t.Bold.Render(fmt.Sprintf("%s %s %s  %s", cells.Pad("", 6), cells.PadLeft(l.T("good span"), 9),
		cells.PadLeft(l.T("this span"), 9), l.T("pattern"))) + "\n")
	shown, same := 0, 0
	for i := range c.Patterns {
		p := &c.Patterns[i]
		switch {
		case p.Change == stat.Same:
			same++
			continue
		case r.cmd.Top > 0 && shown >= r.cmd.Top:
			shown++
			continue
		}
		shown++
		style := t.Text
		switch p.Change {
		case stat.New:
			style = t.Crit
		case stat.More:
			style = t.Warn
		}
		level := p.Level.String()
		if p.Level == logs.LevelUnknown {
			level = ""
		}
		text := strings.TrimSpace(strings.Join([]string{level, p.Context, termsafe.Line(p.Text)}, "  "))
		line := style.Render(cells.Pad(words[p.Change], 6)) + " " + cells.PadLeft(human.Count(p.Good), 9) + " " +
			cells.PadLeft(human.Count(p.Bad), 9) + "  " + text
		if width > 0 {
			line = cells.Cut(line, width)
		}
		r.out.WriteString(line + "\n")
	}
	if more := shown - r.cmd.Top; r.cmd.Top > 0 && more > 0 {
		r.out.WriteString(l.T("(%s more differ; --top 0 shows all)", human.Count(int64(more))) + "\n")
	}
	const stamp = "2006-01-02 15:04:05"
	span := func(s stat.Span) string { return s.From.Format(stamp) + " – " + s.To.Format(stamp) }
	r.app.note(lang.M("good: %s, %s events; now: %s, %s events", span(c.Good), human.Count(c.Events[0]),
		span(c.Bad), human.Count(c.Events[1])))
	r.app.note(lang.M("%s patterns differ, %s do not", human.Count(int64(shown)), human.Count(int64(same))))
}
