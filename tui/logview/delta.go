package logview

import (
	"fmt"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"

	tea "github.com/charmbracelet/bubbletea"
)

// deltaMode is what times are measured from.
type deltaMode int

const (
	deltaOff  deltaMode = iota
	deltaLine           // the line before
	deltaMark           // the bookmark before, else the one after
)

// deltaWidth is the column's.
const deltaWidth = 8

// nextDelta shows how long it was since the line before, since the bookmark before, or neither.
func (p *Page) nextDelta() tea.Cmd {
	p.list.delta = (p.list.delta + 1) % 3
	what := lang.M("Δ off: the time of each event is shown")
	switch p.list.delta {
	case deltaLine:
		what = lang.M("Δ: the time since the previous line; long gaps are marked")
	case deltaMark:
		if what = lang.M("Δ: the time since the previous bookmark, or until the next one"); len(p.book.marks) == 0 {
			p.list.delta = deltaOff
			what = lang.M("Δ off: no bookmark is set to measure from (b sets one)")
		}
	}
	return tea.Batch(page.Send(page.Notice{State: ops.StateOK, Text: what}), p.session.save())
}

// deltaText is a distance in time in at most deltaWidth cells.
func deltaText(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign = "-"
		d = -d
	}
	d = d.Round(time.Millisecond)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%s%dms", sign, d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%s%.2fs", sign, d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%s%dm%02ds", sign, d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%s%dh%02dm", sign, d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%s%dd%02dh", sign, d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// since is how long row i came after what times are measured from.
func (p *list) since(i int, marks []Bookmark) (time.Duration, bool) {
	e := &p.rows[i].Event
	if e.Time.IsZero() || e.Cont || p.ask.byRank() {
		return 0, false
	}
	if p.delta == deltaMark {
		if len(marks) == 0 {
			return 0, false
		}
		from := marks[0]
		for _, m := range marks {
			if m.At.After(e.Time) {
				break
			}
			from = m
		}
		return e.Time.Sub(from.At), true
	}
	for i--; i >= 0; i-- {
		if o := &p.rows[i].Event; !o.Time.IsZero() && !o.Cont {
			return e.Time.Sub(o.Time), true
		}
	}
	return 0, false
}

// A gap is at least gapLeast long, and gapTimes as long as rows are apart mostly.
const (
	gapLeast = time.Second
	gapTimes = 10
)

// gaps are how long nothing came before each loaded row, where that was long; nil when none are
// drawn.
func (p *list) gaps() []time.Duration {
	if p.delta == deltaOff || p.ask.byRank() || len(p.rows) < 3 {
		return nil
	}
	out := make([]time.Duration, len(p.rows))
	var all []time.Duration
	line := *p
	line.delta = deltaLine
	for i := range p.rows {
		if d, ok := line.since(i, nil); ok {
			out[i] = d
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	least := max(gapLeast, gapTimes*all[len(all)/2])
	for i := range out {
		if out[i] < least {
			out[i] = 0
		}
	}
	return out
}

// layout is what stands on each of h lines: the place of a row, or gapLine.
func (p *list) layout(h int, gaps []time.Duration) (out []int) {
	cursor := 0
	for i := p.top; i < len(p.rows) && (len(out) < h || i <= p.cur); i++ {
		if i > p.top && gaps != nil && gaps[i] > 0 {
			out = append(out, gapLine-i)
		}
		if i == p.cur {
			cursor = len(out)
		}
		out = append(out, i)
	}
	if cursor >= h {
		out = out[cursor-h+1:]
	}
	return out[:min(h, len(out))]
}

// gapLine minus a row's place is the line of the gap before it.
const gapLine = -1

// between is how long after the bookmark before it a bookmark lies.
func between(marks []Bookmark, i int) string {
	if i == 0 || marks[i].At.IsZero() || marks[i-1].At.IsZero() {
		return ""
	}
	return deltaText(marks[i].At.Sub(marks[i-1].At))
}

// lineAt is the place of the row that stands on a line of the list, or -1.
func (p *list) lineAt(y int) int {
	shown := p.layout(max(p.listHeight(), 1), p.gaps())
	if y < 0 || y >= len(shown) {
		return -1
	}
	return shown[y]
}

// noSelection tells that no selection was begun.
func (p *list) noSelection() bool { return p.from == (store.RowID{}) }
