package auditview

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/binlog"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// Log is the binary log as transactions.
type Log interface {
	// List calls take with the transactions that a query takes, in its order.
	List(ctx context.Context, q binlog.Query, take func(*binlog.Transaction) error) error
	// Rows are the rows of a transaction that a query takes, at most so many; all is how
	// many there are.
	Rows(ctx context.Context, id string, q binlog.Query, most int) (rows []binlog.ShownRow, all int64, err error)
	// Note says what is missing of the log; empty when nothing is.
	Note() lang.Msg
	Close()
}

const (
	ledgerRows = 500  // transactions of one reading
	mostRows   = 1000 // rows of one transaction that are shown
)

// ledger is the tab's second source: the binary log.
type ledger struct {
	base    *base
	editor  *editor
	open    func(context.Context) (Log, error)
	log     Log
	opening bool
	reading
	input   widget.Input
	editing bool
	wrong   *binlog.QueryError
	query   string
	filter  binlog.Query
	earlier []string // queries that esc leads back to
	largest bool
	all     []binlog.Transaction
	full    bool // there may be more
	took    time.Duration
	readAt  time.Time // when the transactions shown were read
	scroll  widget.Scroll
	aim     aim
	one     one
}

// one is a transaction that is looked at row by row.
type one struct {
	base *base
	reading
	txn    binlog.Transaction
	rows   []binlog.ShownRow
	all    int64
	scroll widget.Scroll
}

// aim is what is looked for by itself when transactions come.
type aim struct {
	id   string    // the transaction with this id
	row  string    // the transaction that wrote this row of the audit table
	near time.Time // the transactions at this moment
	life bool      // the life of the only row of a transaction
}

type (
	ledgerOpenedMsg struct {
		log Log
		err error
	}
	ledgerMsg struct {
		all  []binlog.Transaction
		err  error
		took time.Duration
	}
	rowsMsg struct {
		rows []binlog.ShownRow
		all  int64
		err  error
	}
)

// WithLog gives the tab its second source. open is called when it is first asked for,
// off the console's goroutine.
func (p *Page) WithLog(open func(context.Context) (Log, error)) *Page {
	p.ledger.open = open
	return p
}

// turn shows the binary log, with what was looked at last.
func (l *ledger) turn() tea.Cmd {
	l.base.mode, l.base.back = logMode, nil
	switch {
	case l.open == nil:
		l.base.mode = listMode
		return nil
	case l.log == nil:
		return l.connect()
	}
	return l.read()
}

// connect opens the log again, with what the server has by now.
func (l *ledger) connect() tea.Cmd {
	old := l.log
	l.log = nil
	l.opening = true
	l.err = nil
	ctx, gen := l.reading.gen.begin(l.base.env.Ctx)
	open := l.open
	return func() tea.Msg {
		if old != nil {
			old.Close()
		}
		log, err := open(ctx)
		return page.Msg{To: id, Gen: gen, Body: ledgerOpenedMsg{log, err}}
	}
}

func (l *ledger) opened(gen uint64, m ledgerOpenedMsg) tea.Cmd {
	if !l.reading.gen.Is(gen) {
		if m.log != nil {
			return func() tea.Msg { m.log.Close(); return nil }
		}
		return nil
	}
	l.opening, l.log = false, m.log
	if !l.answered(m.err) {
		return nil
	}
	return l.read()
}

// read lists what the query asks for.
func (l *ledger) read() tea.Cmd {
	if l.log == nil {
		return l.connect()
	}
	ctx, gen, wait, _, end := l.begin(l.base.env.Ctx, logMode)
	log := l.log
	q := l.filter
	now := l.base.env.Clock.Now
	q.Limit, q.Largest = ledgerRows, l.largest
	return tea.Batch(wait, func() tea.Msg {
		defer end()
		began := now()
		var all []binlog.Transaction
		err := log.List(ctx, q, func(t *binlog.Transaction) error {
			all = append(all, *t)
			return nil
		})
		return page.Msg{To: id, Gen: gen, Body: ledgerMsg{all, err, now().Sub(began)}}
	})
}

func (l *ledger) loaded(m ledgerMsg) tea.Cmd {
	if !l.answered(m.err) {
		return nil
	}
	l.all, l.full, l.took, l.scroll = m.all, len(m.all) >= ledgerRows, m.took, widget.Scroll{}
	l.readAt = l.base.env.Clock.Now()
	l.scroll.Resize(len(l.all), 1)
	was := l.aim
	l.aim = aim{}
	switch {
	case was.row != "":
		return l.wrote(was)
	case was.id != "":
		l.find(func(t *binlog.Transaction) bool { return t.ID == was.id })
	case !was.near.IsZero():
		l.find(func(t *binlog.Transaction) bool { return !t.Time.After(was.near) })
	}
	return nil
}

// wrote shows the transaction that wrote an audit row among its neighbours, or what was
// committed about then.
func (l *ledger) wrote(was aim) tea.Cmd {
	if len(l.all) > 0 {
		t := l.all[0]
		return l.around(t.Time, aim{id: t.ID})
	}
	return tea.Batch(
		l.around(was.near, aim{near: was.near}),
		page.Send(page.Notice{State: ops.StateWarning,
			Text: lang.M("the log does not say which transaction wrote the row; these were committed at about " +
				"that time")}),
	)
}

// around asks for the transactions near a moment.
func (l *ledger) around(at time.Time, then aim) tea.Cmd {
	const span = 2 * time.Minute
	format := func(t time.Time) string { return t.In(l.base.env.Zone).Format(time.RFC3339) }
	return l.ask("since:"+format(at.Add(-span))+" until:"+format(at.Add(span)), then)
}

func (l *ledger) find(is func(*binlog.Transaction) bool) {
	for i := range l.all {
		if is(&l.all[i]) {
			l.scroll.Move(i)
			return
		}
	}
}

// ask sets a query and reads.
func (l *ledger) ask(query string, then aim) tea.Cmd {
	f, wrong := binlog.ParseQuery(query, "", l.base.env.Clock.Now(), l.base.env.Zone)
	if wrong != nil {
		l.wrong = wrong
		return nil
	}
	l.query = query
	l.filter = f
	l.aim = then
	l.wrong = nil
	l.input.Set(query)
	l.base.mode, l.base.back = logMode, nil
	return l.read()
}

// current is the transaction that actions are about.
func (l *ledger) current() *binlog.Transaction {
	switch {
	case l.base.mode == txnMode:
		return &l.one.txn
	case l.base.mode == logMode && l.scroll.Cursor < len(l.all):
		return &l.all[l.scroll.Cursor]
	}
	return nil
}

// row is the row that actions are about.
func (l *ledger) row() *binlog.ShownRow {
	if l.base.mode == txnMode && l.one.scroll.Cursor < len(l.one.rows) {
		return &l.one.rows[l.one.scroll.Cursor]
	}
	return nil
}

// show reads the rows of the chosen transaction.
func (l *ledger) show(then aim) tea.Cmd {
	t := l.current()
	if t == nil {
		return nil
	}
	l.one.txn = *t
	l.one.rows = nil
	l.one.all = 0
	l.one.scroll = widget.Scroll{}
	l.aim = then
	l.base.enter(txnMode)
	ctx, gen, wait, _, end := l.one.begin(l.base.env.Ctx, txnMode)
	log := l.log
	q := l.filter
	txn := t.ID
	if q.Key == nil {
		q.Table = "" // all of what the transaction did
	}
	return tea.Batch(wait, func() tea.Msg {
		defer end()
		rows, all, err := log.Rows(ctx, txn, q, mostRows)
		return page.Msg{To: id, Gen: gen, Body: rowsMsg{rows, all, err}}
	})
}

func (l *ledger) shown(m rowsMsg) tea.Cmd {
	life := l.aim.life
	l.aim = aim{}
	if !l.one.answered(m.err) {
		return nil
	}
	l.one.rows, l.one.all = m.rows, m.all
	l.one.scroll.Resize(len(m.rows), 1)
	if !life {
		return nil
	}
	if m.all != 1 {
		return page.Send(page.Notice{State: ops.StateOK, Text: lang.M("choose a row, then press t")})
	}
	return l.life()
}

// life asks for every transaction that touched the chosen row.
func (l *ledger) life() tea.Cmd {
	if l.base.mode == logMode {
		return l.show(aim{life: true})
	}
	r := l.row()
	if r == nil {
		return nil
	}
	l.earlier = append(l.earlier, l.query)
	was := l.one.txn.ID
	return l.ask("table:"+audit.Quote(r.Schema+"."+r.Table)+" "+binlog.KeyTerm(r.Key), aim{id: was})
}

// leave goes back: to the list, to the query before, to the log's end.
func (l *ledger) leave() tea.Cmd {
	switch {
	case l.base.mode == txnMode:
		l.one.stop()
		l.base.leave()
		return nil
	case l.loading:
		l.stop()
		l.gen.Next()
		l.loading = false
		return nil
	case len(l.earlier) > 0:
		last := l.earlier[len(l.earlier)-1]
		l.earlier = l.earlier[:len(l.earlier)-1]
		return l.ask(last, aim{})
	case l.query != "" || l.err != nil:
		return l.ask("", aim{})
	}
	l.scroll.Move(-l.scroll.Len)
	return nil
}

// sort puts the largest transactions first, or the newest.
func (l *ledger) sort() tea.Cmd {
	l.largest = !l.largest
	return l.read()
}

// cross leads from an audit row to the transaction that wrote it.
func (l *ledger) cross(r *audit.Row) tea.Cmd {
	if r == nil {
		return nil
	}
	l.base.mode = logMode
	l.base.back = nil
	l.largest = false
	layout := l.base.src.Layout()
	key := []string{r.Get(audit.ID)}
	if !layout.Numbered() {
		key = audit.SplitKey(r.Key, len(layout.Keys))
	}
	query := "table:" + audit.Quote(layout.Table) + " " + binlog.KeyTerm(key) + " kind:insert"
	if !r.Time.IsZero() {
		query += " since:" + r.Time.Add(-time.Hour).In(l.base.env.Zone).Format(time.RFC3339)
	}
	return l.ask(query, aim{row: r.Get(audit.ID), near: r.Time})
}

// back leads from a transaction to the audit row that it wrote, or to the rows of its
// moment.
func (l *ledger) back() tea.Cmd {
	t := l.current()
	if t == nil || l.base.src == nil {
		return nil
	}
	layout := l.base.src.Layout()
	if l.base.mode == txnMode && layout.Numbered() {
		for i := range l.one.rows {
			if r := &l.one.rows[i]; r.Table == layout.Table && r.Verb == binlog.Insert && len(r.Key) == 1 {
				return l.editor.ask("id:" + audit.Quote(r.Key[0]))
			}
		}
	}
	const span = 2 * time.Minute
	format := func(at time.Time) string { return at.In(l.base.env.Zone).Format(time.RFC3339) }
	cmd := l.editor.ask("since:" + format(t.Time.Add(-span)) + " until:" + format(t.Time.Add(span)))
	l.editor.rows.list.seek = t.Time
	return cmd
}

// logs sets the console's moment to the transaction's and opens the logs there.
func (l *ledger) logs() tea.Cmd {
	t := l.current()
	if t == nil {
		return nil
	}
	return tea.Sequence(page.Send(page.Incident{At: t.Time}), page.Send(page.Goto{Page: "logs"}))
}

// heal hands the transaction to the Restore tab, which says how to undo it.
func (l *ledger) heal() tea.Cmd {
	t := *l.current()
	return page.Send(page.Goto{Page: "restore", Body: &t})
}

func (l *ledger) copyID() tea.Cmd { return page.Send(page.Copy{Text: l.current().ID}) }

func (l *ledger) close() {
	l.stop()
	l.one.stop()
	if l.log != nil {
		l.log.Close()
	}
}
