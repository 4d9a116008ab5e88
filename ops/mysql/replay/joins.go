package replay

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// mostLanes is the maximum number of sessions that write at once.
const mostLanes = 4

// limits are the sizes of windows. Two windows exist at a time, which bounds the memory.
type limits struct {
	bytes   int // of the log that is joined
	rows    int // that are joined
	parted  int // the number of rows from which a window is written by several sessions
	divided int // the number of rows from which a table is
	lanes   int // the number of sessions
	// wrote is called, in tests, after each part of a window. Its error ends the replay there.
	wrote func(part, parts int) error
}

// firstBytes is the size of the first window; each next one may be twice as large.
const firstBytes = 1 << 20

// usualLimits are those of every replay but a test's.
func usualLimits() limits {
	return limits{
		bytes: 16 << 20, rows: 200_000, parted: 2000, divided: 1000, lanes: min(max(2, runtime.NumCPU()), mostLanes),
	}
}

// joins writes transactions joined to windows: while one window is written, the next is read.
type joins struct {
	ctx    context.Context
	cancel context.CancelFunc
	db     *sql.DB
	keys   keyring
	window window
	lanes  []*lane
	flight *flight // being written; nil if none is
	redo   *redo   // of an interrupted replay
	limits limits
	// launched is the number of windows so far.
	launched int
}

// redo is a window of which an interrupted replay wrote some parts.
type redo struct {
	written
	done []bool
}

func newJoins(ctx context.Context, db *sql.DB, in string) joins {
	j := joins{db: db, keys: keyring{in: in}, window: newWindow(), limits: usualLimits()}
	j.ctx, j.cancel = context.WithCancel(ctx)
	return j
}

func newWindow() window { return window{tables: map[string]*netTable{}} }

// idle reports whether nothing waits to be written.
func (j *joins) idle() bool { return j.flight == nil && j.window.empty() }

// leave ends the sessions.
func (j *joins) leave() {
	j.cancel()
	if j.flight != nil {
		<-j.flight.over
		j.flight = nil
	}
	for _, l := range j.lanes {
		end(l.c)
	}
	j.lanes = nil
}

// end closes a session, which has settings and a lock that nobody else needs.
func end(c *sql.Conn) {
	c.Raw(func(any) error { return driver.ErrBadConn })
	c.Close()
}

// othersEnd waits for the sessions of a killed replay, of which each holds a lock.
func othersEnd(ctx context.Context, c *sql.Conn, in string) error {
	for i := range mostLanes {
		if err := lockLane(ctx, c, in, i); err != nil {
			return err
		}
		if _, err := schema.One(ctx, c, fmt.Sprintf("SELECT RELEASE_LOCK('%s_%d')", lockName(in), i)); err != nil {
			return err
		}
	}
	return nil
}

// lockLane takes the lock of a writing session.
func lockLane(ctx context.Context, c *sql.Conn, in string, number int) error {
	got, err := schema.One(ctx, c, fmt.Sprintf("SELECT GET_LOCK('%s_%d', %d)", lockName(in), number, aloneWait))
	if err == nil && got != "1" {
		return ops.E(ops.Busy, lang.M("another replay is working on the database %s", in))
	}
	return err
}

// readWritten reads which parts of a window an interrupted replay wrote; nil if there are none.
func readWritten(ctx context.Context, q schema.Querier, in string) (*redo, error) {
	rows, err := schema.All(ctx, q, fmt.Sprintf("SELECT id, what FROM %s WHERE id >= %d", schema.Name(in, Table),
		rowParts))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var all redo
	for _, row := range rows {
		var one written
		if err := json.Unmarshal([]byte(row[1]), &one); err != nil {
			return nil, err
		}
		if all.done == nil {
			all.written, all.done = one, make([]bool, max(0, min(one.Parts, mostLanes)))
		}
		number, err := strconv.Atoi(row[0])
		number -= rowParts
		if err != nil || one != all.written || one.Form != windowForm || number >= len(all.done) {
			return nil, ErrAgain
		}
		all.done[number] = true
	}
	return &all, nil
}

// join adds the changes of a finished group to the window, if they can be joined and nothing
// that is written in order is open.
func join(r *runner, g *format.Group, held []event) (bool, error) {
	j := &r.joins
	if len(held) == 0 {
		return true, nil
	}
	if g.RolledBack || r.group.begun || r.noted || r.wait != nil || r.open || r.batch.len() > 0 || r.plain.on {
		return false, nil
	}
	keys, err := j.keys.of(r.ctx, r.note, held)
	if err != nil || !j.window.fits(held, keys, &r.server) {
		return false, err
	}
	j.window.log = append(j.window.log, member{g.ID(), held})
	return true, j.window.add(held, keys)
}

// due reports whether the window is to be written now. One that was begun before has to end
// where it ended then.
func due(r *runner) bool {
	j := &r.joins
	if j.redo != nil {
		return r.state.At == j.redo.To
	}
	return !j.window.empty() && j.full(r.Keep)
}

// full reports whether the window is large enough to be written.
func (j *joins) full(kept bool) bool {
	if kept {
		return j.window.size >= keepBytes
	}
	// The first windows are small, so that the server soon has work.
	return j.window.size >= min(j.limits.bytes, firstBytes<<min(j.launched, 10)) || j.window.rows >= j.limits.rows
}

// drain writes the window, and waits until it is written: what follows is written in order.
func drain(r *runner) error {
	j := &r.joins
	if j.redo != nil && r.state.At != j.redo.To {
		return ErrAgain
	}
	if !j.window.empty() {
		if err := launch(r); err != nil {
			return err
		}
	}
	return land(r)
}

// launch begins to write the window.
func launch(r *runner) error {
	j := &r.joins
	if err := land(r); err != nil {
		return err
	}
	f := &flight{window: &j.window, to: r.state.At, schema: r.Schema, over: make(chan error, 1), limits: j.limits}
	n := j.limits.lanes
	switch {
	case j.redo != nil:
		n = len(j.redo.done)
	case r.Keep || j.window.rows < j.limits.parted:
		n = 1
	}
	if err := j.open(r, n); err != nil && (j.redo != nil || len(j.lanes) == 0 || r.ctx.Err() != nil) {
		return err
	} else if err != nil { // the server may not allow more sessions
		n = 1
		if err := j.open(r, n); err != nil {
			return err
		}
	}
	f.done = make([]bool, n)
	if j.redo != nil {
		copy(f.done, j.redo.done)
		j.redo = nil
	}
	f.lanes = j.lanes[:n]
	r.state.Temps = len(r.judge.temp)
	text, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	f.state = string(text)
	w := j.window
	f.window = &w
	j.window = newWindow()
	j.flight = f
	j.launched++
	go func() { f.over <- f.run(j.ctx) }()
	return nil
}

// land waits until the window that is being written is written.
func land(r *runner) error {
	f := r.joins.flight
	if f == nil {
		return nil
	}
	r.joins.flight = nil
	if err := <-f.over; err != nil {
		return &windowError{f.explain(r.ctx, err)}
	}
	r.saved = f.to
	return nil
}

// open makes sure of n sessions that know the log's format.
func (j *joins) open(r *runner, n int) error {
	for len(j.lanes) < n {
		c, err := j.db.Conn(r.ctx)
		if err != nil {
			return err
		}
		err = setUp(r.ctx, c)
		if err == nil {
			err = lockLane(r.ctx, c, r.Schema, len(j.lanes))
		}
		if err == nil {
			err = r.server.quietly(r.ctx, c)
		}
		if err != nil {
			end(c)
			return err
		}
		j.lanes = append(j.lanes, &lane{c: c})
	}
	for _, l := range j.lanes[:n] {
		l.server = r.server
		if l.format != nil && l.format.Same(r.sentFormat) {
			continue
		}
		if err := r.server.tell(r.ctx, l.c, r.sentFormat); err != nil {
			return err
		}
		l.format = r.sentFormat
	}
	return nil
}
