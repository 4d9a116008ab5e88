package auditview

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
)

// Actions are what the tab can do where it stands.
func (p *Page) Actions() []page.Action {
	switch p.base.mode {
	case logMode:
		return p.ledger.listActions(p.leaveLog)
	case txnMode:
		return p.ledger.rowsActions()
	}
	if p.base.src == nil {
		return []page.Action{
			p.toLog(),
			p.editor.queryAction(),
			{
				ID:     "audit.retry",
				Keys:   []string{"r"},
				Label:  lang.M("try again"),
				Help:   lang.M("reconnect to the database"),
				Footer: true,
				Run:    p.connect,
			},
		}
	}
	var out []page.Action
	switch p.base.mode {
	case listMode:
		out = p.listActions()
	case detailMode:
		out = p.detailActions()
	case traceMode:
		out = p.traceActions()
	case statsMode:
		out = p.statsActions()
	}
	return append(out, p.rowActions()...)
}

func (p *Page) listActions() []page.Action {
	return []page.Action{
		{
			ID:     "audit.open",
			Keys:   []string{"enter"},
			Label:  lang.M("open"),
			Help:   lang.M("show the row and what changed"),
			Footer: true,
			Off:    p.rows.noRow,
			Run:    func() tea.Cmd { return p.rows.show(p.rows.list.rows, p.rows.list.scroll.Cursor) },
		},
		p.editor.queryAction(),
		{
			ID:     "audit.form",
			Keys:   []string{"F"},
			Label:  lang.M("filter"),
			Help:   lang.M("write the query field by field"),
			Footer: true,
			Run:    p.editor.openForm,
		},
		{
			ID:     "audit.trace",
			Keys:   []string{"t"},
			Label:  lang.M("trace"),
			Help:   lang.M("the full history of the row's resource"),
			Footer: true,
			Off:    p.rows.noResource,
			Run:    func() tea.Cmd { return p.follow(false) },
		},
		{
			ID:     "audit.stats",
			Keys:   []string{"s"},
			Label:  lang.M("counts"),
			Help:   lang.M("count rows by action, user, resource and hour"),
			Footer: true,
			Run:    func() tea.Cmd { return p.tallies.count(false) },
		},
		{
			ID:     "audit.live",
			Keys:   []string{"f"},
			Label:  lang.M("live"),
			Help:   lang.M("follow new rows"),
			Footer: true,
			Run:    p.rows.toggleLive,
		},
		{
			ID:     "audit.columns",
			Keys:   []string{"c"},
			Label:  lang.M("columns"),
			Help:   lang.M("choose the columns"),
			Footer: true,
			Run:    p.rows.chooseColumns,
		},
		p.toLog(),
		p.itsTransaction(),
		{
			ID:    "audit.refresh",
			Keys:  []string{"r"},
			Label: lang.M("read again"),
			Help:  lang.M("read the newest rows again"),
			Run:   func() tea.Cmd { return p.rows.reload(p.rows.list.leave) },
		},
		{
			ID:     "audit.onward",
			Keys:   []string{"m"},
			Label:  lang.M("continue the search"),
			Help:   lang.M("search further back"),
			Footer: p.rows.list.partial,
			Off:    p.rows.notPartial,
			Run:    p.rows.goOn,
		},
		{
			ID:    "audit.leave",
			Keys:  []string{"a"},
			Label: lang.M("read anyway"),
			Help:  lang.M("read anyway (large)"),
			Off:   p.rows.noQuestion,
			Run:   func() tea.Cmd { return p.rows.reload(true) },
		},
		{
			ID:    "audit.user",
			Keys:  []string{"u"},
			Label: lang.M("this user"),
			Help:  lang.M("only rows of the row's user"),
			Off:   p.rows.noRow,
			Run:   p.editor.narrowUser,
		},
		{
			ID:     "audit.around",
			Keys:   []string{"@"},
			Label:  lang.M("the incident"),
			Help:   lang.M("rows around the moment set in another tab"),
			Footer: !p.base.at.IsZero(),
			Off:    p.base.noMoment,
			Run:    p.editor.around,
		},
		{
			ID:     "audit.clear",
			Keys:   []string{"esc"},
			Label:  lang.M("all rows"),
			Help:   lang.M("stop reading, or show all rows again"),
			Footer: p.base.query != "" || p.rows.list.loading,
			Run:    p.editor.clear,
		},
	}
}

// queryAction writes a query. Its line takes text at once, also while the database has not
// answered yet: what is typed would be keys otherwise.
func (p *editor) queryAction() page.Action {
	return page.Action{
		ID:     "audit.query",
		Keys:   []string{"/"},
		Label:  lang.M("query"),
		Help:   lang.M("write a query: user: action: resource: since: …"),
		Footer: true,
		Run:    p.edit,
	}
}

func (p *Page) detailActions() []page.Action {
	return []page.Action{
		{
			ID:     "audit.back",
			Keys:   []string{"esc", "enter"},
			Label:  lang.M("back"),
			Help:   lang.M("back"),
			Footer: true,
			Run:    p.goBack,
		},
		{
			ID:     "audit.next",
			Keys:   []string{"right", "n", "l"},
			Label:  lang.M("next"),
			Help:   lang.M("the next row"),
			Footer: true,
			Run:    func() tea.Cmd { return p.rows.step(1) },
		},
		{
			ID:     "audit.previous",
			Keys:   []string{"left", "p", "h"},
			Label:  lang.M("previous"),
			Help:   lang.M("the previous row"),
			Footer: true,
			Run:    func() tea.Cmd { return p.rows.step(-1) },
		},
		p.itsTransaction(),
		{
			ID:     "audit.trace",
			Keys:   []string{"t"},
			Label:  lang.M("trace"),
			Help:   lang.M("the full history of the row's resource"),
			Footer: true,
			Off:    p.rows.noResource,
			Run:    func() tea.Cmd { return p.follow(false) },
		},
	}
}

func (p *Page) traceActions() []page.Action {
	return []page.Action{
		{
			ID:     "audit.back",
			Keys:   []string{"esc"},
			Label:  lang.M("back"),
			Help:   lang.M("back"),
			Footer: true,
			Run:    p.goBack,
		},
		{
			ID:     "audit.fold",
			Keys:   []string{"enter", "o"},
			Label:  lang.M("unfold"),
			Help:   lang.M("show or hide the row's change"),
			Footer: true,
			Run:    p.story.fold,
		},
		{
			ID:     "audit.foldall",
			Keys:   []string{"O"},
			Label:  lang.M("unfold all"),
			Help:   lang.M("show or hide all changes"),
			Footer: true,
			Run:    p.story.foldAll,
		},
		{
			ID:    "audit.whole",
			Keys:  []string{"d"},
			Label: lang.M("whole row"),
			Help:  lang.M("show the row and what changed"),
			Off:   p.rows.noRow,
			Run:   func() tea.Cmd { return p.rows.show(p.story.trace.data.Timeline, p.story.trace.scroll.Cursor) },
		},
		{
			ID:    "audit.leave",
			Keys:  []string{"a"},
			Label: lang.M("read anyway"),
			Help:  lang.M("read anyway (large)"),
			Off:   p.rows.noQuestion,
			Run:   func() tea.Cmd { return p.follow(true) },
		},
	}
}

func (p *Page) statsActions() []page.Action {
	return []page.Action{
		{
			ID:     "audit.back",
			Keys:   []string{"esc"},
			Label:  lang.M("back"),
			Help:   lang.M("back"),
			Footer: true,
			Run:    p.goBack,
		},
		{
			ID:     "audit.longer",
			Keys:   []string{"right", "+"},
			Label:  lang.M("longer"),
			Help:   lang.M("count over a longer time"),
			Footer: true,
			Run:    func() tea.Cmd { return p.tallies.widen(1) },
		},
		{
			ID:     "audit.shorter",
			Keys:   []string{"left", "-"},
			Label:  lang.M("shorter"),
			Help:   lang.M("count over a shorter time"),
			Footer: true,
			Run:    func() tea.Cmd { return p.tallies.widen(-1) },
		},
		{
			ID:    "audit.refresh",
			Keys:  []string{"r"},
			Label: lang.M("count again"),
			Help:  lang.M("count again"),
			Run:   func() tea.Cmd { return p.tallies.count(false) },
		},
		{
			ID:    "audit.leave",
			Keys:  []string{"a"},
			Label: lang.M("read anyway"),
			Help:  lang.M("read anyway (large)"),
			Off:   p.rows.noQuestion,
			Run:   func() tea.Cmd { return p.tallies.count(true) },
		},
	}
}

// rowActions are the same wherever there is a row.
func (p *Page) rowActions() []page.Action {
	if p.base.mode == statsMode {
		return nil
	}
	return []page.Action{
		{
			ID:     "audit.logs",
			Keys:   []string{"i"},
			Label:  lang.M("logs then"),
			Help:   lang.M("the log lines around the row's moment"),
			Footer: true,
			Off:    p.rows.noRow,
			Run:    p.rows.jump,
		},
		{
			ID:     "audit.copy",
			Keys:   []string{"y"},
			Label:  lang.M("copy"),
			Help:   lang.M("copy the row as JSON"),
			Footer: true,
			Off:    p.rows.noRow,
			Run:    p.rows.copyRow,
		},
	}
}

func (p *rows) copyRow() tea.Cmd {
	return page.Send(page.Copy{Text: string(p.base.src.Layout().Encode(p.current(), true))})
}

func (p *rows) toggleLive() tea.Cmd {
	p.list.live = !p.list.live
	p.list.unseen = 0
	if !p.list.live {
		p.ticks.Next()
		return nil
	}
	return tea.Batch(p.poll(), p.tick())
}

func (p *editor) narrowUser() tea.Cmd {
	r := p.rows.current()
	if r.Get(audit.UserID) == "" {
		return p.ask("user:none")
	}
	return p.ask("user:" + audit.Quote(r.Get(audit.UserID)))
}

// clear stops a reading under way; else it takes the query away.
func (p *editor) clear() tea.Cmd {
	if p.rows.list.loading {
		p.rows.list.stop()
		p.rows.list.gen.Next()
		return nil
	}
	if p.base.query != "" || p.rows.list.err != nil {
		return p.ask("")
	}
	p.rows.list.scroll.Move(-p.rows.list.scroll.Len)
	p.rows.list.unseen = 0
	return nil
}

func (p *Page) goBack() tea.Cmd {
	switch p.base.mode {
	case traceMode:
		p.story.trace.stop()
	case statsMode:
		p.tallies.stats.stop()
	}
	p.base.leave()
	return nil
}

func (p *rows) noRow() lang.Msg {
	if p.current() == nil {
		return lang.M("no row is chosen")
	}
	return lang.Msg{}
}

func (p *rows) noResource() lang.Msg {
	if r := p.current(); r == nil || !r.Has(audit.ResourceType) || !r.Has(audit.ResourceID) {
		return lang.M("the row names no resource")
	}
	return lang.Msg{}
}

func (p *rows) notPartial() lang.Msg {
	if !p.list.partial {
		return lang.M("everything was searched")
	}
	return lang.Msg{}
}

func (p *rows) noQuestion() lang.Msg {
	if p.list.question == nil && p.story.trace.question == nil && p.tallies.stats.question == nil {
		return lang.M("no query is waiting for confirmation")
	}
	return lang.Msg{}
}

func (p *base) noMoment() lang.Msg {
	if p.at.IsZero() {
		return lang.M("no moment is set: press i, or set one in the Logs tab")
	}
	return lang.Msg{}
}
