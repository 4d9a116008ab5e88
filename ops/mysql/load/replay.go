package load

import (
	"context"
	"fmt"
	"slices"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// batchBytes is the size of the INSERT statements that are committed together, with
// their line in the progress table; tests make it small.
var batchBytes = 4 << 20

// batch is a run of consecutive INSERT statements into one table.
type batch struct {
	table       string
	first, last int64 // statements
	statements  [][]byte
	lines       []int // of the statements in the dump
	bytes       int
	settings    *settled
	alone       bool   // its rows are inserted after all earlier ones and before all later ones
	plain       bool   // the table's engine has no transactions
	keys        *table // no rows: add the indexes of this table, whose rows are complete
}

// replay is the second pass over a foreign dump. Definitions run one after another on a
// separate connection, each after all earlier rows; the crew's connections insert the
// rows.
type replay struct {
	*stream
	journal *journal
	crew    *crew
	late    map[string]*table // tables that get their secondary keys after their rows
	lastRow map[int64]*table  // by the statement with their last rows
	temps   map[string]bool   // temporary tables: only this connection has them
	now     *settled          // settings of the session; nil after a SET
	carried []string
	table   string // of the previous INSERT
	plain   bool
	open    *batch
	queued  bool  // the queued batch must be inserted before the open one
	skip    int64 // statements up to this one are done
	sure    bool  // an unmarked definition was never started
}

// replay runs the dump, and resumes where an earlier attempt stopped.
func (s *session) replay(
	ctx context.Context,
	src *Source,
	late map[string]*table,
	makes map[string]bool,
	j *journal,
) error {
	conn, err := s.foreignConn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.use(ctx, conn); err != nil {
		return err
	}
	st, err := s.stream(ctx, src, conn)
	if err != nil {
		return err
	}
	defer st.text.Close()
	st.clear = j.resumed || s.o.Replace
	r := &replay{
		stream:  st,
		journal: j,
		crew:    s.startWorkers(ctx),
		late:    late,
		lastRow: map[int64]*table{},
		temps:   map[string]bool{},
		sure:    !j.resumed,
	}
	for _, t := range late {
		r.lastRow[t.lastRow] = t
	}
	if err := st.unarm(ctx, makes, j); err != nil {
		return err
	}
	err = r.all(ctx)
	if ended := r.crew.dismiss(err); ended != nil {
		return ended
	}
	if err := st.makeKept(ctx); err != nil {
		return err
	}
	if err := s.closeJournal(ctx); err != nil {
		return err
	}
	s.tellAltered()
	for _, t := range st.order {
		n := r.crew.affected[t]
		s.report.Tables = append(s.report.Tables, backup.LoadedTable{Name: t, Rows: n, How: "insert"})
		s.report.Rows += n
	}
	s.meter.phase("done", "")
	return nil
}

// all reads to the end of the dump and waits for the rows.
func (r *replay) all(ctx context.Context) (err error) {
	if r.carried, err = carried(ctx, r.conn); err != nil {
		return err
	}
	if err := r.each(ctx, func(v verdict) error { return r.take(ctx, v) }); err != nil {
		return err
	}
	return r.rest()
}

func (r *replay) take(ctx context.Context, v verdict) error {
	p := v.parsed
	switch v.action {
	case skip:
		return nil
	case settle:
		r.now = nil
		if err := r.flush(); err != nil {
			return err
		}
		return r.settle(ctx, v)
	case later:
		k, err := r.keep(ctx, v)
		r.later = append(r.later, k)
		return err
	}
	switch p.Verb {
	case "START", "BEGIN", "COMMIT": // rows are committed batch by batch
		return nil
	case "INSERT", "REPLACE":
		if !r.temps[p.Own().Name] {
			return r.insert(ctx, v)
		}
	}
	return r.define(ctx, v)
}

// define runs any other statement once, after the earlier rows.
func (r *replay) define(ctx context.Context, v verdict) error {
	passing := r.passing(v)
	r.table = "" // it may be another table now
	if !passing && r.journal.has(doneStatement, int(r.statements)) {
		r.counted(v, v.rows)
		return nil
	}
	if err := r.rest(); err != nil {
		return err
	}
	r.s.report.Statements++
	affected, err := r.run(ctx, v)
	switch {
	case mysql.Number(err) == errEmptyQuery:
		return nil // a comment that this server ignores
	case v.parsed.Verb == "CREATE" && v.parsed.Kind == "VIEW" && tooEarly(err):
		k, err := r.keep(ctx, v)
		r.views = append(r.views, k)
		return err
	case err != nil && (r.sure || !redone(err)):
		return fmt.Errorf("%s: %w", firstWords(string(v.sql)), err)
	}
	r.counted(v, affected)
	if passing {
		return nil
	}
	r.sure = true
	return define(ctx, r.conn, doneLine(doneStatement, int(r.statements)))
}

// passing tells whether the effect of a statement ends with the session, so that each
// attempt must run it.
func (r *replay) passing(v verdict) bool {
	p := v.parsed
	name := p.Own().Name
	was := r.temps[name]
	if p.Temporary && p.Verb == "CREATE" {
		r.temps[name] = true
	} else if p.Verb == "DROP" {
		delete(r.temps, name)
	}
	return was || p.Temporary
}

func (r *replay) run(ctx context.Context, v verdict) (affected int64, err error) {
	p, q := v.parsed, v.sql
	if drop := dropFor(v); r.clear && p.Verb == "CREATE" && drop != "" {
		if err := define(ctx, r.conn, drop); err != nil {
			return 0, err
		}
	}
	if p.Verb == "CREATE" && p.Kind == "TABLE" && !p.Temporary {
		if r.journal.resumed && !p.Cautious && !p.Replace {
			if err := define(ctx, r.conn, "DROP TABLE IF EXISTS "+schema.Ident(p.Own().Name)); err != nil {
				return 0, err
			}
		}
		if t := r.late[p.Own().Name]; t != nil {
			q = t.without
		}
	}
	err = mysql.Again(ctx, func() error {
		res, err := r.conn.ExecContext(ctx, string(q))
		if err == nil {
			affected, err = res.RowsAffected()
		}
		return err
	})
	return affected, err
}

// redone tells whether a definition failed because an earlier attempt ran it but was
// stopped before marking it.
func redone(err error) bool {
	switch mysql.Number(err) {
	case 1022, 1050, 1051, 1060, 1061, 1068, 1091, 1146, 1304, 1305, 1360, 1537, 1539, 1826, 4090, 4091:
		return true
	}
	return false
}

// insert adds an INSERT to the open batch, or to a new one.
func (r *replay) insert(ctx context.Context, v verdict) error {
	name := v.parsed.Own().Name
	n := r.statements
	if name != r.table {
		if err := r.enter(ctx, name); err != nil {
			return err
		}
	}
	if upto, ok := r.journal.spans[int(n)]; ok && !r.plain {
		r.skip = max(r.skip, int64(upto))
	}
	if n <= r.skip && !r.plain {
		r.counted(v, v.rows)
		return r.finish(n)
	}
	if b := r.open; b != nil && (b.last != n-1 || b.bytes+len(v.sql) > batchBytes) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if err := r.begin(ctx, name); err != nil {
		return err
	}
	r.open.add(n, r.line, v.sql)
	r.open.alone = r.open.alone || !v.loose || r.open.settings.checked
	r.mention(name)
	r.s.report.Statements++
	return r.finish(n)
}

func (b *batch) add(n int64, line int, q []byte) {
	b.lines = append(b.lines, line)
	b.statements = append(b.statements, slices.Clone(q))
	b.bytes += len(q)
	b.last = n
}

// begin opens a batch with the settings of the session, if none is open.
func (r *replay) begin(ctx context.Context, name string) (err error) {
	if r.now == nil {
		if r.now, err = settingsOf(ctx, r.conn, r.carried); err != nil {
			return err
		}
	}
	if r.open == nil {
		r.open = &batch{table: name, first: r.statements, settings: r.now, plain: r.plain}
	}
	return nil
}

// enter switches to another table, once all rows of the previous one are inserted.
func (r *replay) enter(ctx context.Context, name string) error {
	if err := r.rest(); err != nil {
		return err
	}
	r.table = name
	engine, err := schema.One(
		ctx,
		r.conn,
		"SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		r.s.o.Schema,
		name,
	)
	if err != nil {
		return err
	}
	if r.plain = !transactional(engine); r.plain && r.journal.resumed {
		return mysql.Again(ctx, func() error { return empty(ctx, r.conn, name) })
	}
	return nil
}

// finish adds the keys of a table after its last rows.
func (r *replay) finish(n int64) error {
	t := r.lastRow[n]
	if t == nil {
		return nil
	}
	if err := r.rest(); err != nil {
		return err
	}
	return r.crew.give(&batch{table: t.object, keys: t})
}

// flush passes the open batch to the crew, in order where the order matters.
func (r *replay) flush() error {
	b := r.open
	if r.open = nil; b == nil {
		return nil
	}
	if b.alone || r.queued {
		if err := r.crew.wait(); err != nil {
			return err
		}
	}
	r.queued = b.alone
	return r.crew.give(b)
}

// rest waits until all rows read so far are inserted.
func (r *replay) rest() error {
	if err := r.flush(); err != nil {
		return err
	}
	return r.crew.wait()
}

func (r *replay) mention(name string) {
	if !slices.Contains(r.order, name) {
		r.order = append(r.order, name)
	}
}

// counted adds a statement to the report.
func (r *replay) counted(v verdict, affected int64) {
	p := v.parsed
	name := p.Own().Name
	switch {
	case p.Temporary || r.temps[name]:
	case p.Verb == "CREATE" && p.Kind == "TABLE":
		r.mention(name)
	case p.Verb == "DROP" && p.Kind == "TABLE": // a view's placeholder
		for _, ref := range p.Refs {
			r.order = slices.DeleteFunc(r.order, func(t string) bool { return t == ref.Name })
			r.crew.forget(ref.Name)
		}
	case p.Verb == "INSERT" || p.Verb == "REPLACE":
		r.mention(name)
		r.crew.count(name, affected)
	case p.Verb == "CREATE" && body(p):
		r.s.report.Objects++
	}
}
