package logview

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/jsontext"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs/stat"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// counting is what the events that are shown come to, grouped by a field.
type counting struct {
	look    *look
	kept    *kept
	ask     *asking
	tally   *tally
	rows    *list
	feed    *feed
	finder  *finder
	by      string // the field; empty: by time
	of      string // the number
	table   *stat.Table
	order   stat.Order
	curves  bool
	scroll  widget.Scroll
	loading bool
	err     error
	gen     page.Gen
}

type countedMsg struct {
	table *stat.Table
	err   error
	gen   uint64
}

// byTimeName is the choice that groups by time.
const byTimeName = "time"

// curveSteps is about how many stretches of time a curve has.
const curveSteps = 40

func (c *counting) noStat() lang.Msg {
	if c.look.o.Stat == nil {
		return lang.M("these logs have no statistics")
	}
	return c.rows.noRow()
}

// askField asks what to group by.
func (c *counting) askField() tea.Cmd {
	names := append([]string{"context", "level", "source", byTimeName}, fieldNames(c.rows.rows)...)
	details := map[string]lang.Msg{
		"context":  lang.M("the part of the service that logged"),
		"level":    lang.M("the severity of events"),
		"source":   lang.M("the log that events come from"),
		byTimeName: lang.M("number of events over time, and their durations"),
	}
	var items []widget.Item
	for _, n := range names {
		items = append(items, widget.Item{Name: n, Detail: c.look.env.Lang.Msg(details[n])})
	}
	items = append(items, widget.Item{Name: "…", Detail: c.look.env.T("another field, a name in the text, or /RE/")})
	return page.Send(page.Open{
		Overlay: widget.NewPick(c.look.env, lang.M("Count events by"), items, func(i int) tea.Cmd {
			if i == len(names) {
				return c.askName()
			}
			return c.countBy(names[i])
		}),
	})
}

func (c *counting) askName() tea.Cmd {
	hint := c.look.env.T("orderId matches orderId=7 and \"orderId\": 7; /GET (\\S+)/ matches paths")
	return page.Send(page.Open{Overlay: widget.NewPrompt(
		c.look.env, lang.M("Count events by"), hint, "", func(text string) tea.Cmd {
			if strings.TrimSpace(text) == "" {
				return nil
			}
			return c.countBy(text)
		})})
}

// fieldNames are the names of the fields of rows, nested ones with points, by the alphabet.
func fieldNames(rows []store.Row) (names []string) {
	seen := map[string]bool{}
	for _, r := range rows {
		for _, f := range r.Event.Fields {
			seen[f.Key] = true
			if !f.JSON || !strings.HasPrefix(f.Value, "{") {
				continue
			}
			pairs, _ := jsontext.Pairs(f.Value)
			for _, in := range pairs {
				seen[f.Key+"."+in.Key] = true
			}
		}
	}
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// countBy counts what is shown by a field.
func (c *counting) countBy(name string) tea.Cmd {
	c.by = name
	c.order = stat.ByCount
	c.table = nil
	c.err = nil
	c.scroll = widget.Scroll{}
	if c.of == "" {
		c.of = "took"
	}
	return c.recount()
}

func (c *counting) recount() tea.Cmd {
	c.look.mode = statMode
	of, err := stat.ParseField(c.of)
	ask := stat.Ask{Of: &of, Zone: c.look.env.Zone, Over: stepOf(c.tally.line.To.Sub(c.tally.line.From))}
	if err == nil && c.by != byTimeName {
		var by stat.Field
		by, err = stat.ParseField(c.by)
		ask.By = []stat.Field{by}
	}
	if err != nil {
		c.err, c.loading = err, false
		return nil
	}
	c.loading = true
	run := c.look.o.Stat
	q := *c.ask.asked
	ctx := c.look.env.Ctx
	gen := c.gen.Next()
	if !c.ask.filter {
		q = c.kept.bare()
	}
	return func() tea.Msg {
		table, err := run(ctx, &q, ask)
		return send(countedMsg{table, err, gen})
	}
}

// stepOf is a round stretch of time of which a span has about curveSteps.
func stepOf(span time.Duration) time.Duration {
	for _, d := range []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
		3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if span/d <= curveSteps {
			return d
		}
	}
	return 24 * time.Hour
}

func (c *counting) take(m countedMsg) {
	if c.gen.Is(m.gen) {
		c.loading = false
		c.table = m.table
		c.err = m.err
	}
}

// sheet is the table as it is shown.
func (c *counting) sheet() *stat.Sheet {
	t := *c.table
	if t.All.Numbers.Count == 0 {
		t.Ask.Of = nil
	}
	if !c.curves && c.by != byTimeName {
		t.Ask.Over = 0
	}
	return t.Sheet(c.look.env.Lang, c.order, 0)
}

func (c *counting) viewStat(size page.Size) string {
	e := c.look.env
	title := e.T("by %s", termsafe.Line(c.by))
	if c.ask.asked.Source != "" && c.ask.filter {
		title += "  / " + termsafe.Line(c.ask.asked.Source)
	}
	if c.table == nil || c.err != nil {
		text := e.T("counting …")
		if c.err != nil {
			text = c.look.ink.crit.Paint(termsafe.Line(c.err.Error()))
		}
		return widget.Fill([]string{" " + c.look.ink.bold.Paint(cells.Cut(title, size.Width-2)), " " + text}, size)
	}
	s := c.sheet()
	if c.loading {
		title += "  " + e.T("counting …")
	}
	out := []string{" " + c.look.ink.bold.Paint(cells.Cut(title, size.Width-2))}
	lines := s.Lines(size.Width-2, stat.Glyphs{Full: e.Theme.Glyph.Full, Bar: e.Theme.Glyph.Bar})
	out = append(out, " "+c.look.ink.dim.Paint(cells.Cut(lines[0].Text, size.Width-2)))
	c.scroll.Resize(len(lines)-1, size.Height-3)
	from, to := c.scroll.Window()
	for i := from; i < to; i++ {
		l := lines[i+1]
		row := " " + l.Text
		if l.Bar != "" {
			row += "  " + c.look.ink.accent.Paint(l.Bar)
		}
		if i == c.scroll.Cursor {
			row = widget.SelectedRow(e.Theme, row[1:], size.Width)
		}
		out = append(out, cells.Cut(row, size.Width))
	}
	for len(out) < size.Height-1 {
		out = append(out, "")
	}
	if n := len(lines) - 1; to-from < n {
		s.Notes = append([]string{e.T("%d–%d of %d", from+1, to, n)}, s.Notes...)
	}
	notes := c.look.ink.dim.Paint(cells.Cut(strings.Join(s.Notes, e.T("; ")), size.Width-2))
	return widget.Fill(append(out, " "+notes), size)
}

func (c *counting) statActions() []page.Action {
	none := func() lang.Msg {
		if c.table == nil || len(c.table.Groups(stat.ByName)) == 0 {
			return lang.M("there are no groups")
		}
		return lang.Msg{}
	}
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    func() tea.Cmd { c.look.mode = listMode; return c.feed.load() },
		},
		{
			ID:     "logs.onlygroup",
			Keys:   []string{"enter"},
			Label:  lang.M("only these"),
			Help:   lang.M("show only events with this value"),
			Footer: true,
			Off:    none,
			Run:    c.onlyGroup,
		},
		{
			ID:     "logs.statby",
			Keys:   []string{"a"},
			Label:  lang.M("by another field"),
			Help:   lang.M("count by another field"),
			Footer: true,
			Run:    c.askField,
		},
		{
			ID:     "logs.statorder",
			Keys:   []string{"o"},
			Label:  lang.M("order"),
			Help:   lang.M("sort by count, p50, p95, the highest number, or name"),
			Footer: true,
			Off:    none,
			Run:    c.nextOrder,
		},
		{
			ID:    "logs.statcurve",
			Keys:  []string{"c"},
			Label: lang.M("over time"),
			Help:  lang.M("bars, or a curve over time for each value"),
			Off:   none,
			Run:   func() tea.Cmd { c.curves = !c.curves; return nil },
		},
		{
			ID:    "logs.statnumber",
			Keys:  []string{"n"},
			Label: lang.M("number"),
			Help:  lang.M("choose the number whose percentiles are shown: took, or a field"),
			Run:   c.askNumber,
		},
		{
			ID:    "logs.recount",
			Keys:  []string{"r"},
			Label: lang.M("count again"),
			Help:  lang.M("count again"),
			Run:   c.recount,
		},
	}
}

func (c *counting) nextOrder() tea.Cmd {
	all := []stat.Order{stat.ByCount, stat.ByP50, stat.ByP95, stat.ByMax, stat.ByName}
	c.order = all[(slices.Index(all, c.order)+1)%len(all)]
	c.scroll = widget.Scroll{}
	return page.Send(page.Notice{Text: lang.M("sorted by %s", string(c.order))})
}

func (c *counting) askNumber() tea.Cmd {
	return page.Send(page.Open{Overlay: widget.NewPrompt(
		c.look.env, lang.M("Percentiles of"), c.look.env.T("took (ms), a field, a name in the text, or /RE/"), c.of,
		func(text string) tea.Cmd {
			if strings.TrimSpace(text) == "" {
				return nil
			}
			c.of = text
			return c.recount()
		})})
}

// onlyGroup takes the value under the cursor into the query.
func (c *counting) onlyGroup() tea.Cmd {
	s := c.sheet()
	at := c.scroll.Cursor
	if at >= len(s.Rows) || len(s.Rows[at].Values) == 0 {
		return nil
	}
	c.look.mode = listMode
	return c.finder.take(c.finder.fieldWord(c.by, s.Rows[at].Values[0]))
}

// take adds a word to the query.
func (p *finder) take(word string) tea.Cmd {
	text := strings.TrimSpace(p.ask.query.Source + " " + word)
	p.box.input.Set(text)
	return tea.Batch(p.box.remember(text), p.search(text))
}

// fieldWord is the word of a query that finds events by a field's value.
func (p *finder) fieldWord(name, value string) string {
	quoted := strings.ReplaceAll(value, " ", `\ `)
	switch {
	case name == "level":
		return "level:" + strings.ToLower(value)
	case name == "context" || name == "source":
		return name + ":" + quoted
	case strings.HasPrefix(name, "/") || name == "took":
		return "'" + quoted
	case slices.ContainsFunc(p.list.rows, func(r store.Row) bool { _, ok := r.Event.Field(name); return ok }):
		return "field." + name + "=" + quoted
	}
	return name + "=" + quoted
}
