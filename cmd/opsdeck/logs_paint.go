package main

import (
	"strings"

	"opsdeck/ops/logs/query"
	"opsdeck/tui/theme"

	"github.com/charmbracelet/lipgloss"
)

// paint colours a safe line: where the query matched, and the word that says
// the level.
func paint(t *theme.Theme, q *query.Query, line string) string {
	spans := q.Spans(line)
	level, style := levelWord(t, line)
	var b strings.Builder
	at := 0
	put := func(s query.Span, style lipgloss.Style) {
		if s.From < at {
			return
		}
		b.WriteString(line[at:s.From])
		b.WriteString(style.Render(line[s.From:s.To]))
		at = s.To
	}
	for _, s := range spans {
		if level.To > 0 && level.From < s.From {
			put(level, style)
			level.To = 0
		}
		put(s, t.Match)
	}
	if level.To > 0 {
		put(level, style)
	}
	return b.String() + line[at:]
}

// levelWord finds the level's word in the first part of a line.
func levelWord(t *theme.Theme, line string) (query.Span, lipgloss.Style) {
	head := line[:min(len(line), 120)]
	for _, w := range []struct {
		word  string
		style lipgloss.Style
	}{{"FATAL", t.Crit}, {"ERROR", t.Crit}, {"WARN", t.Warn}, {"DEBUG", t.Dim}, {"VERBOSE", t.Dim}, {"INFO", t.OK},
		{"LOG", t.OK}} {
		if i := strings.Index(head, w.word); i >= 0 {
			return query.Span{From: i, To: i + len(w.word)}, w.style
		}
	}
	return query.Span{}, t.Text
}
