package auditlog

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
)

// Deleted is what a deletion did.
type Deleted struct {
	Rows    int64 // deleted now
	Gone    int64 // of the archive, that were not in the table any more
	Differs int64 // left, for they are not as they were archived
}

// deleteBatch is how many rows one DELETE takes.
const deleteBatch = 500

// deleteTries is how often a batch is tried when the connection breaks, or
// another transaction stands in the way.
const deleteTries = 3

// Delete deletes the rows that are in an archive from the table: by
// key, in small batches with a pause after each, and only rows that are still
// exactly as they were archived: each batch is locked, compared and deleted in
// one short transaction. It can be broken off and run again: what is
// gone is passed over.
func (y *Years) Delete(ctx context.Context, path string, pauseAfter time.Duration,
	report func(ops.Progress)) (Deleted, error) {
	d := &deletion{s: y.src, pause: pauseAfter, report: report, begun: time.Now()}
	if m, err := backup.ReadManifest(path); err == nil {
		for _, t := range m.Tables {
			d.total += t.Rows
		}
	}
	db, err := mysql.Open(ctx, y.src.r.opt.Target, y.src.r.opt.Schema)
	if err != nil {
		return d.done, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	d.db = db
	defer d.leave()
	err = y.archive(path).Scan(ctx, func(l *audit.Layout) error { d.layout = l; return nil }, func(r *audit.Row) error {
		if d.batch = append(d.batch, *r); len(d.batch) < deleteBatch {
			return nil
		}
		return d.flush(ctx)
	})
	if err == nil {
		err = d.flush(ctx)
	}
	var known *ops.Error
	if err != nil && !errors.As(err, &known) {
		err = y.src.lane.explain(err)
	}
	return d.done, err
}

type deletion struct {
	s      *Source
	db     *sql.DB
	q      *session // nil after it broke
	lock   string   // " FOR UPDATE" where the server knows it
	layout *audit.Layout
	batch  []audit.Row
	done   Deleted
	total  int64
	pause  time.Duration
	report func(ops.Progress)
	begun  time.Time
}

func (d *deletion) flush(ctx context.Context) error {
	if len(d.batch) == 0 {
		return nil
	}
	for try := 1; ; try++ {
		n, err := d.attempt(ctx)
		if err == nil {
			d.done.Rows += n
			break
		}
		d.leave() // what was begun is rolled back there
		if !passes(err) || try == deleteTries || ctx.Err() != nil {
			return err
		}
		if err := pause(ctx, time.Duration(try)*200*time.Millisecond); err != nil {
			return err
		}
	}
	d.batch = d.batch[:0]
	if d.report != nil {
		seen := d.done.Rows + d.done.Gone + d.done.Differs
		d.report(
			ops.Progress{
				Phase:   "delete",
				Object:  d.s.r.opt.Table,
				Done:    seen,
				Total:   d.total,
				Unit:    "rows",
				Rows:    d.done.Rows,
				Elapsed: time.Since(d.begun),
			},
		)
	}
	return pause(ctx, d.pause)
}

// passes tells of errors that another try may not meet.
func passes(err error) bool {
	return mysql.Lost(err) || mysql.Yields(err)
}

// enter makes the session that rows are deleted on.
func (d *deletion) enter(ctx context.Context) error {
	if d.q != nil {
		return nil
	}
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	q := &session{conn: conn}
	if err := q.prepare(ctx, 0); err != nil {
		q.close()
		return err
	}
	d.q, d.lock = q, " FOR UPDATE"
	_ = q.exec(ctx, "SET SESSION innodb_lock_wait_timeout = 10") // other engines have none
	if q.exec(ctx, "SELECT 1 FROM "+d.s.r.name()+" LIMIT 0"+d.lock) != nil {
		d.lock = ""
	}
	return nil
}

func (d *deletion) leave() {
	if d.q != nil {
		d.q.close()
		d.q = nil
	}
}

// attempt deletes the batch's rows that are as they were archived.
func (d *deletion) attempt(ctx context.Context) (n int64, err error) {
	if err := d.enter(ctx); err != nil {
		return 0, err
	}
	if err := d.q.exec(ctx, "START TRANSACTION"); err != nil {
		return 0, err
	}
	live, err := d.live(ctx)
	if err != nil {
		return 0, err
	}
	same, gone, differs := d.compare(live)
	if len(same) > 0 {
		w := d.these(same)
		res, err := d.q.conn.ExecContext(ctx, "DELETE FROM "+d.s.r.name()+w.String(), w.args...)
		if err != nil {
			return 0, err
		}
		if n, err = res.RowsAffected(); err != nil {
			return 0, err
		}
	}
	if err := d.q.exec(ctx, "COMMIT"); err != nil {
		return 0, err
	}
	d.done.Gone, d.done.Differs = d.done.Gone+gone, d.done.Differs+differs
	return n, nil
}

// compare finds the batch's rows that are in the table as they were archived.
func (d *deletion) compare(live map[audit.Pos]*audit.Row) (same []audit.Row, gone, differs int64) {
	for i := range d.batch {
		switch r := live[d.ref(&d.batch[i])]; {
		case r == nil:
			gone++
		case !d.same(r, &d.batch[i]):
			differs++
		default:
			same = append(same, *r)
		}
	}
	return same, gone, differs
}

// live are the batch's rows as they stand in the table.
func (d *deletion) live(ctx context.Context) (map[audit.Pos]*audit.Row, error) {
	w := d.these(d.batch)
	query := d.s.r.selectRows(d.s.r.byKey(), w, d.s.r.keyOrder(""), len(d.batch))
	rows, err := d.s.r.fetch(ctx, d.q, query+d.lock, w.args)
	out := make(map[audit.Pos]*audit.Row, len(rows))
	for i := range rows {
		out[d.ref(&rows[i])] = &rows[i]
	}
	return out, err
}

// ref is what makes a row one: its key, and its time where the key alone does not.
func (d *deletion) ref(r *audit.Row) audit.Pos {
	p := r.Pos()
	if d.s.r.layout.Unique {
		p.At = 0
	}
	return p
}

// these is the condition for rows by their keys.
func (d *deletion) these(rows []audit.Row) *where {
	w := &where{}
	if l := d.s.r.layout; l.Unique && len(l.Keys) == 1 {
		var args []any
		for i := range rows {
			args = append(args, d.key(&rows[i])...)
		}
		w.add(audit.Ident(l.Keys[0].Name)+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
		return w
	}
	var either []string
	var args []any
	for i := range rows {
		one := &where{}
		for k, v := range d.key(&rows[i]) {
			one.add(audit.Ident(d.s.r.layout.Keys[k].Name)+" = ?", v)
		}
		if !d.s.r.layout.Unique {
			one.add(d.s.r.col(audit.CreatedAt)+" = ?", rows[i].At.String())
		}
		either = append(either, strings.Join(one.parts, " AND "))
		args = append(args, one.args...)
	}
	w.add("("+strings.Join(either, " OR ")+")", args...)
	return w
}

func (d *deletion) key(r *audit.Row) []any {
	if d.s.r.layout.Numbered() {
		return []any{r.ID}
	}
	return d.s.r.keyArgs(r.Key)
}

// same tells whether a row in the table says what the archived one says.
func (d *deletion) same(a, b *audit.Row) bool {
	for f := range a.Values {
		if f != int(audit.CreatedAt) && d.layout.Has(audit.Field(f)) && a.Values[f] != b.Values[f] {
			return false
		}
	}
	return a.At == b.At
}
