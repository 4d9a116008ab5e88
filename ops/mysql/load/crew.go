package load

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// crew is the pool of connections that insert the rows of a foreign dump.
type crew struct {
	s       *session
	ctx     context.Context
	cancel  context.CancelCauseFunc
	work    chan *batch
	rows    sync.WaitGroup // batches whose rows are not inserted yet
	workers sync.WaitGroup

	mu       sync.Mutex
	affected map[string]int64 // rows by table
}

func (s *session) startWorkers(ctx context.Context) *crew {
	c := &crew{s: s, work: make(chan *batch), affected: map[string]int64{}}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	for range s.o.jobs() {
		c.workers.Go(func() {
			w := &worker{s: s}
			defer w.drop()
			for b := range c.work {
				if err := c.do(w, b); err != nil {
					c.cancel(err)
				}
				if b.keys == nil {
					c.rows.Done()
				}
			}
		})
	}
	return c
}

// give passes a batch to the first free worker.
func (c *crew) give(b *batch) error {
	if b.keys == nil {
		c.rows.Add(1)
	}
	select {
	case c.work <- b:
		return nil
	case <-c.ctx.Done():
		if b.keys == nil {
			c.rows.Done()
		}
		return context.Cause(c.ctx)
	}
}

// wait waits until all rows given so far are inserted.
func (c *crew) wait() error {
	c.rows.Wait()
	return context.Cause(c.ctx)
}

// dismiss waits for all batches, or cancels them when err is not nil, and returns the
// first error.
func (c *crew) dismiss(err error) error {
	if err != nil {
		c.cancel(err)
	}
	close(c.work)
	c.workers.Wait()
	err = context.Cause(c.ctx)
	c.cancel(nil)
	return err
}

func (c *crew) count(table string, rows int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.affected[table] += rows
}

func (c *crew) forget(table string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.affected, table)
}

func (c *crew) do(w *worker, b *batch) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	if b.keys != nil {
		return w.persist(c.ctx, -1, func() error { return w.indexes(c.ctx, b.keys) })
	}
	var rows int64
	put := func() (err error) {
		rows, err = w.put(c.ctx, b)
		return err
	}
	var err error
	if b.plain { // inserted rows cannot be rolled back: do not retry
		if err = w.open(c.ctx); err == nil {
			err = put()
		}
	} else {
		err = w.persist(c.ctx, int(b.first), put)
	}
	if err == nil {
		c.count(b.table, rows)
		c.s.meter.add(b.table, 0, rows)
	}
	return err
}

// put runs a batch in one transaction together with its line in the progress table. It
// first tries the strictest mode, which changes no value. If the server refuses the
// batch, put uses the dump's own mode and notes what the server changes.
func (w *worker) put(ctx context.Context, b *batch) (affected int64, err error) {
	if b.plain || b.settings.strict || b.lenient() {
		return w.putBy(ctx, b, b.settings.set, true)
	}
	affected, err = w.putBy(ctx, b, append(slices.Clone(b.settings.set), strictly), false)
	if n := mysql.Number(err); n == 0 || passing(err) {
		return affected, err
	}
	if err := exec(ctx, w.conn, "ROLLBACK"); err != nil {
		return 0, err
	}
	return w.putBy(ctx, b, b.settings.set, true)
}

// strictly makes the server refuse every value that it would have to change.
const strictly = "SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@SESSION.sql_mode, ''), 'STRICT_ALL_TABLES')"

// lenient tells whether statements ask the server to ignore errors.
func (b *batch) lenient() bool {
	for _, q := range b.statements {
		p, err := sqlscan.Parse(q[:min(len(q), 200)], sqlscan.Mode{})
		if err != nil || p.Any(1, "IGNORE") || p.Any(2, "IGNORE") {
			return true
		}
	}
	return false
}

// putBy is put with the given settings; with look it notes the server's warnings.
func (w *worker) putBy(ctx context.Context, b *batch, set []string, look bool) (affected int64, err error) {
	if w.settings != b.settings || w.strict == look {
		if err := exec(ctx, w.conn, set...); err != nil {
			return 0, err
		}
		w.settings = b.settings
		w.strict = !look
	}
	var seen []alteration
	if err := exec(ctx, w.conn, "START TRANSACTION"); err != nil {
		return 0, err
	}
	for i, q := range b.statements {
		res, err := w.conn.ExecContext(ctx, string(q))
		if err != nil {
			return 0, wrap(fmt.Sprintf("line %d: %s", b.lines[i], firstWords(string(q))), err)
		}
		if look {
			found, err := w.alterations(ctx, b.lines[i])
			if err != nil {
				return 0, err
			}
			seen = append(seen, found...)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		affected += n
	}
	if err := markSpan(ctx, w.conn, int(b.first), int(b.last)); err != nil {
		return 0, err
	}
	if err := exec(ctx, w.conn, "COMMIT"); err != nil {
		return affected, err
	}
	w.s.noteAltered(b.table, seen)
	return affected, nil
}

// settled holds the session settings that affect an INSERT.
type settled struct {
	set     []string
	checked bool // foreign keys are checked
	strict  bool // the server refuses values that it would have to change
}

// Session variables that an INSERT depends on: those with text values and those with
// numbers.
var (
	textual = strings.Fields("sql_mode time_zone character_set_client collation_connection old_mode lc_time_names")
	numeric = strings.Fields(
		"foreign_key_checks unique_checks check_constraint_checks system_versioning_insert_history " +
			"div_precision_increment",
	)
)

// carried lists those of these variables that the server knows.
func carried(ctx context.Context, c *sql.Conn) (names []string, err error) {
	for _, n := range slices.Concat(textual, numeric) {
		_, err := schema.One(ctx, c, "SELECT @@SESSION."+n)
		switch {
		case err == nil:
			names = append(names, n)
		case !optional(err):
			return nil, err
		}
	}
	return names, nil
}

// settingsOf reads a connection's settings.
func settingsOf(ctx context.Context, c *sql.Conn, names []string) (*settled, error) {
	rows, err := schema.All(ctx, c, "SELECT @@SESSION."+strings.Join(names, ", @@SESSION."))
	if err != nil {
		return nil, err
	}
	s := &settled{}
	for i, n := range names {
		v := rows[0][i]
		s.strict = s.strict || n == "sql_mode" && strings.Contains(v, "STRICT_ALL_TABLES")
		s.checked = s.checked || n == "foreign_key_checks" && v != "0"
		if slices.Contains(textual, n) {
			v = schema.String(v)
		}
		s.set = append(s.set, "SET SESSION "+n+" = "+v)
	}
	return s, nil
}
