package auditview

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/tui/page"
)

// toLog turns to the binary log.
func (p *Page) toLog() page.Action {
	return page.Action{
		ID:     "audit.log",
		Keys:   []string{"b"},
		Label:  lang.M("binlog"),
		Help:   lang.M("show the binlog: every transaction and the rows that it changed"),
		Footer: true,
		Off:    p.ledger.noLog,
		Run:    p.ledger.turn,
	}
}

// itsTransaction leads from an audit row to the transaction that wrote it.
func (p *Page) itsTransaction() page.Action {
	return page.Action{
		ID:    "audit.transaction",
		Keys:  []string{"x"},
		Label: lang.M("transaction"),
		Help:  lang.M("the binlog transaction that wrote the row"),
		Off: func() lang.Msg {
			if off := p.ledger.noLog(); !off.Empty() {
				return off
			}
			return p.rows.noRow()
		},
		Run: func() tea.Cmd { return p.ledger.cross(p.rows.current()) },
	}
}

// leaveLog shows the audit rows again.
func (p *Page) leaveLog() tea.Cmd {
	p.base.mode, p.base.back = listMode, nil
	if p.base.src == nil && p.err == nil {
		return p.connect()
	}
	return nil
}

func (l *ledger) noLog() lang.Msg {
	if l.open == nil {
		return lang.M("there is no binlog")
	}
	return lang.Msg{}
}

func (l *ledger) noTransaction() lang.Msg {
	if l.current() == nil {
		return lang.M("no transaction is chosen")
	}
	return lang.Msg{}
}

func (l *ledger) noLife() lang.Msg {
	if l.base.mode == txnMode && (l.row() == nil || len(l.row().Key) == 0) {
		return lang.M("the primary key of the row is unknown")
	}
	return l.noTransaction()
}

// escape goes back by one step; from the whole log, or one that cannot be read, to the
// audit rows.
func escape(l *ledger, leave func() tea.Cmd) func() tea.Cmd {
	return func() tea.Cmd {
		if l.loading || len(l.earlier) > 0 || l.query != "" && l.log != nil {
			return l.leave()
		}
		return leave()
	}
}

func (l *ledger) listActions(leave func() tea.Cmd) []page.Action {
	return append([]page.Action{
		{
			ID:     "log.open",
			Keys:   []string{"enter"},
			Label:  lang.M("open"),
			Help:   lang.M("show the rows that the transaction changed, before and after"),
			Footer: true,
			Off:    l.noTransaction,
			Run:    func() tea.Cmd { return l.show(aim{}) },
		},
		{
			ID:     "log.query",
			Keys:   []string{"/"},
			Label:  lang.M("query"),
			Help:   lang.M("write a query: table: key: kind: rows: since: until:"),
			Footer: true,
			Run:    l.edit,
		},
		{
			ID:     "log.largest",
			Keys:   []string{"z"},
			Label:  l.order(),
			Help:   lang.M("sort the transactions by changed rows, or newest first"),
			Footer: true,
			Run:    l.sort,
		},
		{
			ID:     "log.rows",
			Keys:   []string{"b"},
			Label:  lang.M("audit rows"),
			Help:   lang.M("show the audit table again"),
			Footer: true,
			Run:    leave,
		},
		{
			ID:     "log.around",
			Keys:   []string{"@"},
			Label:  lang.M("the incident"),
			Help:   lang.M("transactions around the moment set in another tab"),
			Footer: !l.base.at.IsZero(),
			Off:    l.base.noMoment,
			Run:    func() tea.Cmd { return l.around(l.base.at, aim{near: l.base.at}) },
		},
		{
			ID:    "log.refresh",
			Keys:  []string{"r"},
			Label: lang.M("read again"),
			Help:  lang.M("read the log again, with what the server has written since"),
			Run:   l.connect,
		},
		{
			ID:     "log.clear",
			Keys:   []string{"esc"},
			Label:  lang.M("back"),
			Help:   lang.M("stop reading, go back to the previous query, or to the audit rows"),
			Footer: true,
			Run:    escape(l, leave),
		},
	}, l.bothActions()...)
}

func (l *ledger) order() lang.Msg {
	if l.largest {
		return lang.M("newest first")
	}
	return lang.M("largest first")
}

func (l *ledger) rowsActions() []page.Action {
	return append([]page.Action{
		{
			ID:     "log.back",
			Keys:   []string{"esc", "enter"},
			Label:  lang.M("back"),
			Help:   lang.M("back"),
			Footer: true,
			Run:    l.leave,
		},
	}, l.bothActions()...)
}

// bothActions are the same for a transaction in the list and for one that is open.
func (l *ledger) bothActions() []page.Action {
	return []page.Action{
		{
			ID:     "log.trace",
			Keys:   []string{"t"},
			Label:  lang.M("trace"),
			Help:   lang.M("every transaction that changed this row, by its primary key"),
			Footer: true,
			Off:    l.noLife,
			Run:    l.life,
		},
		{
			ID:     "log.audit",
			Keys:   []string{"x"},
			Label:  lang.M("audit row"),
			Help:   lang.M("the audit row that the transaction wrote, or the rows of the same time"),
			Footer: true,
			Off: func() lang.Msg {
				if l.base.src == nil {
					return lang.M("the audit table could not be read")
				}
				return l.noTransaction()
			},
			Run: l.back,
		},
		{
			ID:     "log.logs",
			Keys:   []string{"i"},
			Label:  lang.M("logs then"),
			Help:   lang.M("the log lines around the transaction's moment"),
			Footer: true,
			Off:    l.noTransaction,
			Run:    l.logs,
		},
		{
			ID:     "log.heal",
			Keys:   []string{"u"},
			Label:  lang.M("undo it"),
			Help:   lang.M("choose how to undo the transaction, in the Restore tab"),
			Footer: true,
			Off:    l.noTransaction,
			Run:    l.heal,
		},
		{
			ID:     "log.copy",
			Keys:   []string{"y"},
			Label:  lang.M("copy id"),
			Help:   lang.M("copy the transaction's id, for restore --before and restore rewind --txn"),
			Footer: true,
			Off:    l.noTransaction,
			Run:    l.copyID,
		},
	}
}

// The query line.

func (l *ledger) edit() tea.Cmd {
	l.editing, l.wrong = true, nil
	l.input.Set(l.query)
	l.input.Focus()
	return nil
}

func (l *ledger) editKey(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		l.input.Set(l.query)
		l.editing, l.wrong = false, nil
		l.input.Blur()
		return nil
	case "enter":
		cmd := l.ask(strings.TrimSpace(l.input.Value()), aim{})
		if l.wrong == nil {
			l.editing = false
			l.input.Blur()
		}
		return cmd
	}
	l.wrong = nil
	l.input.Key(k)
	return nil
}
