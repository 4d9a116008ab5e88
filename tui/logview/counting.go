package logview

import (
	"slices"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/jsontext"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/stat"
	"opsdeck/ops/logs/store"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// counting is what the events that are shown come to, grouped by a field.
type counting struct {
	look    *look
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

func (p *Page) noStat() lang.Msg {
	if p.look.o.Stat == nil {
		return lang.M("statistics cannot be made of these logs")
	}
	return p.list.noRow()
}

// askField asks what to group by.
func (p *Page) askField() tea.Cmd {
	names := append([]string{"context", "level", "source", byTimeName}, fieldNames(p.list.rows)...)
	details := map[string]lang.Msg{
		"context":  lang.M("the part of the service that logged"),
		"level":    lang.M("how serious events are"),
		"source":   lang.M("the log that events come from"),
		byTimeName: lang.M("how many there were over time, and how long they took"),
	}
	var items []widget.Item
	for _, n := range names {
		items = append(items, widget.Item{Name: n, Detail: p.look.env.Lang.Msg(details[n])})
	}
	items = append(items, widget.Item{Name: "…", Detail: p.look.env.T("another field, a name in the text, or /RE/")})
	return page.Send(page.Open{
		Overlay: widget.NewPick(p.look.env, lang.M("Count events by"), items, func(i int) tea.Cmd {
			if i == len(names) {
				return p.askName()
			}
			return p.countBy(names[i])
		}),
	})
}

func (p *Page) askName() tea.Cmd {
	hint := p.look.env.T("orderId finds orderId=7 and \"orderId\": 7; /GET (\\S+)/ finds paths")
	return page.Send(page.Open{Overlay: widget.NewPrompt(
		p.look.env, lang.M("Count events by"), hint, "", func(text string) tea.Cmd {
			if strings.TrimSpace(text) == "" {
				return nil
			}
			return p.countBy(text)
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
func (p *Page) countBy(name string) tea.Cmd {
	c := &p.counted
	c.by, c.order, c.table, c.err = name, stat.ByCount, nil, nil
	c.scroll = widget.Scroll{}
	if c.of == "" {
		c.of = "took"
	}
	return p.recount()
}

func (p *Page) recount() tea.Cmd {
	c := &p.counted
	p.look.mode = statMode
	of, err := stat.ParseField(c.of)
	ask := stat.Ask{Of: &of, Zone: p.look.env.Zone, Over: stepOf(p.tally.line.To.Sub(p.tally.line.From))}
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
	run, q, ctx, gen := p.look.o.Stat, *p.ask.asked, p.look.env.Ctx, c.gen.Next()
	if !p.ask.filter {
		q = query.Query{}
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
		c.loading, c.table, c.err = false, m.table, m.err
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

func (p *Page) viewStat(size page.Size) string {
	c := &p.counted
	e := p.look.env
	title := e.T("by %s", termsafe.Line(c.by))
	if p.ask.asked.Source != "" && p.ask.filter {
		title += "  / " + termsafe.Line(p.ask.asked.Source)
	}
	if c.table == nil || c.err != nil {
		text := e.T("counting …")
		if c.err != nil {
			text = p.look.ink.crit.Paint(termsafe.Line(c.err.Error()))
		}
		return widget.Fill([]string{" " + p.look.ink.bold.Paint(cells.Cut(title, size.Width-2)), " " + text}, size)
	}
	s := c.sheet()
	if c.loading {
		title += "  " + e.T("counting …")
	}
	out := []string{" " + p.look.ink.bold.Paint(cells.Cut(title, size.Width-2))}
	lines := s.Lines(size.Width-2, stat.Glyphs{Full: e.Theme.Glyph.Full, Bar: e.Theme.Glyph.Bar})
	out = append(out, " "+p.look.ink.dim.Paint(cells.Cut(lines[0].Text, size.Width-2)))
	c.scroll.Resize(len(lines)-1, size.Height-3)
	from, to := c.scroll.Window()
	for i := from; i < to; i++ {
		l := lines[i+1]
		row := " " + l.Text
		if l.Bar != "" {
			row += "  " + p.look.ink.accent.Paint(l.Bar)
		}
		if i == c.scroll.Cursor {
			row = widget.SelectedRow(e.Theme, row[1:], size.Width)
		}
		out = append(out, cells.Cut(row, size.Width))
	}
	for len(out) < size.Height-1 {
		out = append(out, "")
	}
	notes := p.look.ink.dim.Paint(cells.Cut(strings.Join(s.Notes, e.T("; ")), size.Width-2))
	return widget.Fill(append(out, " "+notes), size)
}

func (p *Page) statActions() []page.Action {
	c := &p.counted
	none := func() lang.Msg {
		if c.table == nil || len(c.table.Groups(stat.ByName)) == 0 {
			return lang.M("there is no group")
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
			Run:    func() tea.Cmd { p.look.mode = listMode; return p.feed.load() },
		},
		{
			ID:     "logs.onlygroup",
			Keys:   []string{"enter"},
			Label:  lang.M("only these"),
			Help:   lang.M("show only events that have this value"),
			Footer: true,
			Off:    none,
			Run:    p.onlyGroup,
		},
		{
			ID:     "logs.statby",
			Keys:   []string{"a"},
			Label:  lang.M("by another field"),
			Help:   lang.M("count by another field"),
			Footer: true,
			Run:    p.askField,
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
			Run:   p.askNumber,
		},
		{
			ID:    "logs.recount",
			Keys:  []string{"r"},
			Label: lang.M("count again"),
			Help:  lang.M("count again"),
			Run:   p.recount,
		},
	}
}

func (c *counting) nextOrder() tea.Cmd {
	all := []stat.Order{stat.ByCount, stat.ByP50, stat.ByP95, stat.ByMax, stat.ByName}
	c.order = all[(slices.Index(all, c.order)+1)%len(all)]
	c.scroll = widget.Scroll{}
	return page.Send(page.Notice{Text: lang.M("sorted by %s", string(c.order))})
}

func (p *Page) askNumber() tea.Cmd {
	return page.Send(page.Open{Overlay: widget.NewPrompt(
		p.look.env, lang.M("Percentiles of"), p.look.env.T("took (ms), a field, a name in the text, or /RE/"), p.counted.of,
		func(text string) tea.Cmd {
			if strings.TrimSpace(text) == "" {
				return nil
			}
			p.counted.of = text
			return p.recount()
		})})
}

// onlyGroup takes the value under the cursor into the query.
func (p *Page) onlyGroup() tea.Cmd {
	s := p.counted.sheet()
	at := p.counted.scroll.Cursor
	if at >= len(s.Rows) || len(s.Rows[at].Values) == 0 {
		return nil
	}
	p.look.mode = listMode
	return p.finder.take(p.finder.fieldWord(p.counted.by, s.Rows[at].Values[0]))
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
