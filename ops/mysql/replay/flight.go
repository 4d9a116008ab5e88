package replay

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// rowParts is the first of the progress table's rows that record the written parts of a
// window, one row a part.
const rowParts = 10

// windowForm is the version of how a window is divided: a part that was written is not
// written again only if this program divides in the same way.
const windowForm = 1

// written records that a part of the window from State.At to To is written.
type written struct {
	To    binlog.Place `json:"to"`
	Parts int          `json:"parts"`
	Form  int          `json:"form"`
}

// flight writes one window, in parts that are written by several sessions at once.
type flight struct {
	window *window
	lanes  []*lane
	to     binlog.Place
	state  string // the State afterwards, as JSON
	done   []bool // the parts that were written before
	schema string
	over   chan error
	limits limits
	failed []failedPart
}

// portion is a part of a table's changes: rows, or with none of them its changes in order.
type portion struct {
	table *netTable
	rows  []netRow
}

// run writes the parts, and then the position.
func (f *flight) run(ctx context.Context) error {
	if err := f.counters(ctx); err != nil {
		return err
	}
	parts := f.window.divide(len(f.lanes), f.limits.divided)
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	several := len(parts) > 1
	for i, p := range parts {
		if several && f.done[i] {
			continue
		}
		note := ""
		if several {
			text, err := json.Marshal(written{To: f.to, Parts: len(parts), Form: windowForm})
			if err != nil {
				return err
			}
			note = fmt.Sprintf("REPLACE INTO %s VALUES (%d, _utf8mb4 0x%x)", schema.Name(f.schema, Table), rowParts+i,
				text)
		} else {
			note = f.position()
		}
		all.Go(func() {
			if errs[i] = f.lanes[i].write(ctx, p, note); errs[i] == nil && f.limits.wrote != nil {
				errs[i] = f.limits.wrote(i, len(parts))
			}
		})
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			f.failed = append(f.failed, failedPart{f.lanes[i], parts[i], err})
		}
	}
	if len(f.failed) > 0 {
		slices.SortStableFunc(f.failed, func(a, b failedPart) int {
			return bit(ofTheLog(b.err)) - bit(ofTheLog(a.err))
		})
		return f.failed[0].err
	}
	if !several {
		return nil
	}
	return f.lanes[0].transaction(ctx, f.position(),
		fmt.Sprintf("DELETE FROM %s WHERE id >= %d", schema.Name(f.schema, Table), rowParts))
}

// position is the statement that records the position.
func (f *flight) position() string {
	return fmt.Sprintf("UPDATE %s SET what = _utf8mb4 0x%x WHERE id = %d", schema.Name(f.schema, Table), f.state,
		rowState)
}

var counterOf = regexp.MustCompile(`(?m)^\).* AUTO_INCREMENT=(\d+)`)

// counters raises the AUTO_INCREMENT counters of tables in which rows came and went: the
// rows that are not written do not raise them. It can be repeated.
func (f *flight) counters(ctx context.Context) error {
	for _, name := range f.window.names() {
		t := f.window.tables[name]
		if !t.went || t.counter == 0 || t.counter == math.MaxUint64 {
			continue
		}
		c := f.lanes[0].c
		rows, err := schema.All(ctx, c, "SHOW CREATE TABLE "+schema.Name(f.schema, name))
		if err != nil {
			return err
		}
		now := uint64(1)
		if found := counterOf.FindStringSubmatch(rows[0][1]); found != nil {
			now, _ = strconv.ParseUint(found[1], 10, 64)
		}
		if now > t.counter {
			continue
		}
		q := fmt.Sprintf("ALTER TABLE %s AUTO_INCREMENT = %d", schema.Name(f.schema, name), t.counter+1)
		if err := mysql.Define(ctx, c, q); err != nil {
			return err
		}
	}
	return nil
}

// weight is roughly the work of writing a row.
func (r *netRow) weight() int { return 100 + len(r.key) + len(r.image) }

// divide divides a window into parts of about the same work, in the same way each time. A
// table that does not divide is in one part.
func (w *window) divide(n, least int) [][]portion {
	parts := make([][]portion, n)
	if n == 1 {
		for _, name := range w.names() {
			t := w.tables[name]
			parts[0] = append(parts[0], portion{t, t.sorted()})
		}
		return parts
	}
	load := make([]int, n)
	total := 0
	var divided []*netTable
	for _, t := range w.largest() {
		total += t.work()
		if t.keys.divides && len(t.rows) >= least {
			divided = append(divided, t)
			continue
		}
		at := slices.Index(load, slices.Min(load))
		load[at] += t.work()
		parts[at] = append(parts[at], portion{t, t.sorted()})
	}
	at := 0
	for _, t := range divided {
		rows := t.sorted()
		from := 0
		for i := range rows {
			load[at] += rows[i].weight()
			if load[at]*n >= total && at < n-1 {
				parts[at] = append(parts[at], portion{t, rows[from : i+1]})
				from = i + 1
				at++
			}
		}
		if from < len(rows) {
			parts[at] = append(parts[at], portion{t, rows[from:]})
		}
	}
	return parts
}

// work is roughly the work of writing a table.
func (t *netTable) work() (n int) {
	for i := range t.rows {
		n += t.rows[i].weight()
	}
	for _, e := range t.inOrder {
		n += 2 * e.size()
	}
	return n
}

// largest are the tables, those with the most work first.
func (w *window) largest() (all []*netTable) {
	for _, name := range w.names() {
		all = append(all, w.tables[name])
	}
	slices.SortStableFunc(all, func(a, b *netTable) int { return b.work() - a.work() })
	return all
}

// lane is a session that writes parts of windows.
type lane struct {
	c      *sql.Conn
	server server
	format *format.Format // that the session was told
	ready  []byte         // events that are not sent yet
}

// write writes a part, and note with it.
func (w *lane) write(ctx context.Context, part []portion, note string) (err error) {
	defer func() {
		if err != nil && ctx.Err() == nil {
			w.back(ctx)
		}
	}()
	if err := w.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, p := range part {
		if err := w.portion(ctx, p); err != nil {
			return onTable(p.table, err)
		}
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	for _, q := range []string{note, "COMMIT"} {
		if err := w.exec(ctx, q); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}

// back rolls back what is open, so that no other session waits for its locks.
func (w *lane) back(ctx context.Context) error {
	w.ready = w.ready[:0]
	return w.exec(ctx, "ROLLBACK")
}

func (w *lane) exec(ctx context.Context, q string) error {
	_, err := w.c.ExecContext(ctx, q)
	return err
}

// transaction runs statements in one transaction.
func (w *lane) transaction(ctx context.Context, statements ...string) error {
	for _, q := range append(append([]string{"BEGIN"}, statements...), "COMMIT") {
		if err := w.exec(ctx, q); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return nil
}

// portion writes changes of one table: first what goes, so that no unique value is taken
// when its new row comes.
func (w *lane) portion(ctx context.Context, p portion) error {
	if len(p.rows) == 0 {
		return w.inOrder(ctx, p.table.inOrder)
	}
	kinds := [][]netKind{{removed, replaced}, {altered}, {added, replaced}}
	verbs := []binlog.Verb{binlog.Delete, binlog.Update, binlog.Insert}
	for i, verb := range verbs {
		if err := w.rows(ctx, p, verb, kinds[i]); err != nil {
			return err
		}
		if verb != binlog.Delete {
			continue
		}
		if err := w.absent(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// rows writes the rows of some kinds, those of the same columns together.
func (w *lane) rows(ctx context.Context, p portion, verb binlog.Verb, kinds []netKind) error {
	var forms []format.Bits
	for i := range p.rows {
		r := &p.rows[i]
		if slices.Contains(kinds, r.kind) && !slices.ContainsFunc(forms, r.isOf(verb)) {
			forms = append(forms, r.has)
		}
	}
	for _, has := range forms {
		if err := w.form(ctx, p, verb, kinds, has); err != nil {
			return err
		}
	}
	return nil
}

// isOf reports whether a form is the row's, among rows of a verb.
func (r *netRow) isOf(verb binlog.Verb) func(format.Bits) bool {
	return func(b format.Bits) bool { return verb == binlog.Delete || string(b) == string(r.has) }
}

func (w *lane) form(ctx context.Context, p portion, verb binlog.Verb, kinds []netKind, has format.Bits) error {
	t := p.table
	nulls := make([]byte, (len(t.keys.primary)+7)/8)
	var d *format.Draft
	for i := range p.rows {
		r := &p.rows[i]
		if !slices.Contains(kinds, r.kind) || verb != binlog.Delete && string(r.has) != string(has) {
			continue
		}
		if d != nil && d.Len()+len(r.key)+len(r.image) > w.server.batch {
			if err := w.event(ctx, t.like.tableAs, d.Native()); err != nil {
				return err
			}
			d = nil
		}
		if d == nil {
			d = t.draft(verb, has, w.server.batch)
		}
		switch verb {
		case binlog.Delete:
			d.Add(nulls, []byte(r.key))
		case binlog.Update:
			d.Add(nulls, []byte(r.key), r.image)
		default:
			d.Add(r.image)
		}
	}
	if d == nil {
		return nil
	}
	return w.event(ctx, t.like.tableAs, d.Native())
}

// draft begins an event of the table.
func (t *netTable) draft(verb binlog.Verb, has format.Bits, size int) *format.Draft {
	like := t.like
	switch verb {
	case binlog.Delete:
		return format.NewDraft(like.rows, like.image, verb, t.key, nil, t.flags, size)
	case binlog.Update:
		return format.NewDraft(like.rows, like.image, verb, t.key, has, t.flags, size)
	}
	return format.NewDraft(like.rows, like.image, verb, nil, has, t.flags, size)
}

// event adds an event to those that are sent.
func (w *lane) event(ctx context.Context, tableAs, rows []byte) error {
	if len(w.ready)+len(tableAs)+len(rows) > w.server.batch {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	at := len(w.ready)
	w.ready = append(w.ready, tableAs...)
	format.SetTable(w.ready[at:], 1)
	at = len(w.ready)
	w.ready = append(w.ready, rows...)
	format.SetTable(w.ready[at:], 1)
	return nil
}

// flush sends the events.
func (w *lane) flush(ctx context.Context) error {
	if len(w.ready) == 0 {
		return nil
	}
	err := w.send(ctx, w.ready)
	w.ready = w.ready[:0]
	return err
}

func (w *lane) send(ctx context.Context, events []byte) error {
	for _, q := range w.server.binlog(events) {
		if err := mysql.Fits(len(q), w.server.packet); err != nil {
			return err
		}
		if _, err := w.c.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// inOrder writes changes one after the other.
func (w *lane) inOrder(ctx context.Context, events []event) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	var b batch
	for i, e := range events {
		b.add(e)
		if i+1 < len(events) && b.len()+events[i+1].size() <= w.server.batch {
			continue
		}
		if err := w.send(ctx, b.native()); err != nil {
			return err
		}
	}
	return nil
}

// absentAtOnce is the number of rows that are looked for in one statement.
const absentAtOnce = 500

// absent makes sure that the rows that came and went were not there: adding one that is there
// fails, and these are not added.
func (w *lane) absent(ctx context.Context, p portion) error {
	var keys [][]string
	for i := range p.rows {
		if p.rows[i].kind != gone {
			continue
		}
		key, err := p.table.literal(p.rows[i].key)
		if err != nil {
			return err
		}
		if keys = append(keys, key); len(keys) == absentAtOnce {
			if err := w.notThere(ctx, p.table, keys); err != nil {
				return err
			}
			keys = keys[:0]
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return w.notThere(ctx, p.table, keys)
}

func (w *lane) notThere(ctx context.Context, t *netTable, keys [][]string) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	var columns []schema.Column
	var names []string
	for _, i := range t.keys.primary {
		c := t.keys.table.Columns[i]
		columns, names = append(columns, c), append(names, schema.Ident(c.Name))
	}
	n, err := schema.One(ctx, w.c, "SELECT COUNT(*) FROM "+t.keys.table.SQLName()+" WHERE "+
		schema.KeyIn(columns, names, keys))
	if err == nil && n != "0" {
		return &inconsistentError{t.name, "is already there"}
	}
	return err
}

// literal is a key as SQL, column by column.
func (t *netTable) literal(key string) (values []string, err error) {
	image := append(make([]byte, (len(t.keys.primary)+7)/8), key...)
	m := t.like.image.Map
	fields, err := m.Fields(image, t.key)
	if err != nil {
		return nil, err
	}
	logged := m.Table
	logged.Columns = slices.Clone(logged.Columns)
	if err := format.Know(&logged, t.keys.table); err != nil {
		return nil, err
	}
	for _, i := range t.keys.primary {
		v, err := m.Text(i, fields[i])
		if err != nil {
			return nil, err
		}
		col := t.keys.table.Columns[i]
		values = append(values, format.Literal(col, format.Reread(v, logged.Columns[i], col)))
	}
	return values, nil
}
