package load

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"

	"opsdeck/ops/mysql/schema"
)

// crew is the connections that put a foreign dump's rows in.
type crew struct {
	s      *session
	ctx    context.Context
	cancel context.CancelCauseFunc
	work   chan *batch
	rows   sync.WaitGroup // batches of rows that are not in yet
	hands  sync.WaitGroup

	mu       sync.Mutex
	affected map[string]int64 // rows by table
}

func (s *session) hire(ctx context.Context) *crew {
	c := &crew{s: s, work: make(chan *batch), affected: map[string]int64{}}
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	for range s.o.jobs() {
		c.hands.Go(func() {
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

// give hands a batch on, when there is a hand free for it.
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

// wait waits until all rows given so far are in.
func (c *crew) wait() error {
	c.rows.Wait()
	return context.Cause(c.ctx)
}

// dismiss waits for everything that was given, or ends it when err is not nil,
// and returns what went wrong first.
func (c *crew) dismiss(err error) error {
	if err != nil {
		c.cancel(err)
	}
	close(c.work)
	c.hands.Wait()
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
	if b.plain { // what went in stays in: no second try
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

// put runs a batch in one transaction with its line in the progress table.
func (w *worker) put(ctx context.Context, b *batch) (affected int64, err error) {
	if w.settings != b.settings {
		if err := exec(ctx, w.conn, b.settings.set...); err != nil {
			return 0, err
		}
		w.settings = b.settings
	}
	if err := exec(ctx, w.conn, "START TRANSACTION"); err != nil {
		return 0, err
	}
	for _, q := range b.statements {
		res, err := w.conn.ExecContext(ctx, string(q))
		if err != nil {
			return 0, wrap(firstWords(string(q)), err)
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
	return affected, exec(ctx, w.conn, "COMMIT")
}

// settled is the settings of a session, as far as they change what an INSERT does.
type settled struct {
	set     []string
	checked bool // foreign keys are
}

// The variables that an INSERT depends on, with values of text and of numbers.
var (
	textual = strings.Fields("sql_mode time_zone character_set_client collation_connection old_mode lc_time_names")
	numeric = strings.Fields("foreign_key_checks unique_checks check_constraint_checks system_versioning_insert_history div_precision_increment")
)

// carried are those of the variables that the server knows.
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
		s.checked = s.checked || n == "foreign_key_checks" && v != "0"
		if slices.Contains(textual, n) {
			v = schema.String(v)
		}
		s.set = append(s.set, "SET SESSION "+n+" = "+v)
	}
	return s, nil
}
