package logview

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// comparing is two spans of time side by side, by the patterns of their events.
type comparing struct {
	look      *look
	ask       *asking
	list      *list
	feed      *feed
	finder    *finder
	kept      *kept
	bad, good stat.Span
	found     *stat.Comparison
	err       error
	loading   bool
	scroll    widget.Scroll
	gen       page.Gen
}

type comparedMsg struct {
	found *stat.Comparison
	err   error
	gen   uint64
}

func (c *comparing) noCompare() lang.Msg {
	if c.look.o.Compare == nil {
		return lang.M("these logs cannot be compared")
	}
	return c.list.noTime()
}

// inQuestion is the time that is selected, else the hour around the cursor.
func (c *comparing) inQuestion() stat.Span {
	r, _ := c.list.current()
	at := r.Event.Time
	if from := c.list.fromAt; !from.IsZero() && !c.list.noSelection() && !from.Equal(at) {
		first, last := from, at
		if last.Before(first) {
			first, last = last, first
		}
		return stat.Span{From: first, To: last.Add(time.Millisecond)}
	}
	to := at.Add(30 * time.Minute)
	if now := c.look.env.Clock.Now(); to.After(now) && now.After(at) { // nothing is logged in the future
		to = now
	}
	return stat.Span{From: at.Add(-30 * time.Minute), To: to}
}

// askGood asks when all was well.
func (c *comparing) askGood() tea.Cmd {
	bad := c.inQuestion()
	hint := c.look.env.T("%s, compared with an equally long good span that starts at: -1d, 14:00, 2026-01-29T14:00",
		c.span(bad))
	return page.Send(page.Open{Overlay: widget.NewPrompt(
		c.look.env, lang.M("Compare with the time from"), hint, "", func(text string) tea.Cmd {
			if text = strings.TrimSpace(text); text == "" {
				return nil
			}
			return c.compare(bad, text)
		})})
}

func (c *comparing) compare(bad stat.Span, text string) tea.Cmd {
	warn := func(m lang.Msg) tea.Cmd { return page.Send(page.Notice{State: ops.StateWarning, Text: m}) }
	// -1d is a day before the time in question, which may itself be long ago.
	from, err := query.ParseMoment(text, bad.From.In(c.look.env.Zone))
	if err != nil {
		return warn(lang.M("not a time: %s (-2h, 14:00, 2026-01-29, 2026-01-29T14:00)", lang.Raw(text)))
	}
	good := stat.Span{From: from, To: from.Add(bad.To.Sub(bad.From))}
	if good.From.Before(bad.To) && bad.From.Before(good.To) {
		return warn(lang.M("the two spans overlap: %s and %s", c.span(good), c.span(bad)))
	}
	c.bad = bad
	c.good = good
	c.found = nil
	c.err = nil
	c.loading = true
	c.scroll = widget.Scroll{}
	c.look.mode = compareMode
	run := c.look.o.Compare
	q := *c.ask.asked
	ctx := c.look.env.Ctx
	gen := c.gen.Next()
	if !c.ask.filter {
		q = c.kept.bare()
	}
	return func() tea.Msg {
		found, err := run(ctx, &q, good, bad)
		return send(comparedMsg{found, err, gen})
	}
}

func (c *comparing) take(m comparedMsg) {
	if c.gen.Is(m.gen) {
		c.found = m.found
		c.err = m.err
		c.loading = false
	}
}

// span writes a stretch of time.
func (c *comparing) span(s stat.Span) string {
	from := s.From.In(c.look.env.Zone)
	to := s.To.In(c.look.env.Zone)
	end := to.Format("15:04:05")
	if day(from) != day(to) {
		end = to.Format("01-02 15:04:05")
	}
	return from.Format("01-02 15:04:05") + "–" + end
}

// differing are the patterns that differ.
func (c *comparing) differing() []stat.Pattern {
	if c.found == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.found.Patterns), func(p stat.Pattern) bool { return p.Change == stat.Same })
}

func (c *comparing) view(size page.Size) string {
	e, ink := c.look.env, c.look.ink
	line := func(text string) string { return " " + cells.Cut(text, size.Width-2) }
	title := ink.bold.Paint(cells.Cut(e.T("%s against %s", c.span(c.bad), c.span(c.good)), size.Width-2))
	out := []string{" " + title}
	switch {
	case c.err != nil:
		return widget.Fill(append(out, line(ink.crit.Paint(termsafe.Line(c.err.Error())))), size)
	case c.found == nil:
		return widget.Fill(append(out, line(e.T("counting …"))), size)
	}
	all := c.differing()
	head := cells.Pad("", 6) + cells.PadLeft(e.T("good span"), 10) + cells.PadLeft(e.T("this span"), 10)
	out = append(out, line(ink.dim.Paint(head+"  "+e.T("pattern"))))
	c.scroll.Resize(len(all), size.Height-3)
	from, to := c.scroll.Window()
	for i := from; i < to; i++ {
		row := c.row(&all[i])
		if i == c.scroll.Cursor {
			out = append(out, widget.SelectedRow(e.Theme, row, size.Width))
		} else {
			out = append(out, line(row))
		}
	}
	for len(out) < size.Height-1 {
		out = append(out, "")
	}
	return widget.Fill(append(out, line(ink.dim.Paint(c.note(len(all))))), size)
}

func (c *comparing) row(p *stat.Pattern) string {
	e, ink := c.look.env, c.look.ink
	words := map[stat.Change]string{
		stat.New: e.T("NEW"), stat.More: e.T("more"), stat.Gone: e.T("disappeared"), stat.Fewer: e.T("fewer"),
	}
	word := cells.Pad(words[p.Change], 6)
	switch p.Change {
	case stat.New:
		word = ink.crit.Paint(word)
	case stat.More:
		word = ink.warn.Paint(word)
	}
	text := strings.TrimSpace(strings.Join([]string{levelWord(p.Level), p.Context, p.Text}, " "))
	return word + cells.PadLeft(human.Count(p.Good), 10) + cells.PadLeft(human.Count(p.Bad), 10) + "  " +
		c.look.readable(text)
}

// note says what the table is made of; a span with no event is named, it is no good one.
func (c *comparing) note(differ int) string {
	e, f := c.look.env, c.found
	if f.Events[0] == 0 {
		return e.T("no event in the good span: nothing to compare with")
	}
	note := e.T("%s patterns differ, %s do not", human.Count(int64(differ)), human.Count(int64(len(f.Patterns)-differ)))
	note += e.T("; ") + e.T("%s events against %s", human.Count(f.Events[1]), human.Count(f.Events[0]))
	if f.Beyond > 0 {
		note += e.T("; ") + e.T("%s events not counted", human.Count(f.Beyond))
	}
	return note
}

func (c *comparing) actions() []page.Action {
	none := func() lang.Msg {
		if len(c.differing()) == 0 {
			return lang.M("no pattern differs")
		}
		return lang.Msg{}
	}
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "A", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { c.look.mode = listMode; return c.feed.load() },
		},
		{
			ID:     "logs.only",
			Keys:   []string{"enter"},
			Label:  lang.M("only these"),
			Help:   lang.M("show only events of this pattern"),
			Footer: true,
			Off:    none,
			Run:    c.onlyPattern,
		},
	}
}

// onlyPattern searches for the pattern's longest fixed piece.
func (c *comparing) onlyPattern() tea.Cmd {
	p := c.differing()[c.scroll.Cursor]
	text := strings.NewReplacer("<id>", "#", "…", "#").Replace(p.Text)
	piece := slices.MaxFunc(strings.Split(text, "#"), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	c.look.mode = listMode
	if piece = strings.TrimSpace(piece); piece == "" {
		return c.feed.load()
	}
	return c.finder.take("'" + strings.ReplaceAll(piece, " ", `\ `))
}
