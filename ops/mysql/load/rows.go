package load

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// tries is how often a job is tried after a lost connection.
const tries = 4

// rows loads all rows over several connections, and adds the deferred indexes of each
// table after its last row.
func (s *session) rows(ctx context.Context, src *Source, p *plan, j *journal) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := newQueue(src.Manifest, p, j, s.o.Commit)
	stop := context.AfterFunc(ctx, q.end)
	defer stop()
	var wg sync.WaitGroup
	for range s.o.jobs() {
		wg.Go(func() {
			w := &worker{s: s, src: src, unpack: newUnpacker(src), resumed: j.resumed}
			defer w.close()
			for t, job := q.next(); t != nil; t, job = q.next() {
				if err := w.do(ctx, t, job); err != nil {
					cancel(err)
					return
				}
				if q.done(t, job) && s.o.Whole != nil {
					s.o.Whole(t.object)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// worker is one connection that loads rows.
type worker struct {
	s       *session
	src     *Source
	unpack  *unpacker
	conn    *sql.Conn
	id      string // of the connection
	resumed bool
	retried bool // this is a retry of the current job
	text    []byte

	settings *settled // of a foreign dump: the settings of the connection
	strict   bool     // strictly is set too
}

func (w *worker) close() {
	w.drop()
	w.unpack.close()
}

func (w *worker) drop() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
		w.settings = nil
		w.strict = false
	}
}

func (w *worker) open(ctx context.Context) (err error) {
	if w.conn != nil {
		return nil
	}
	if w.conn, err = w.s.worker(ctx); err != nil {
		return err
	}
	w.id, err = schema.One(ctx, w.conn, "SELECT CONNECTION_ID()")
	return err
}

// do runs a job. A job without members is the table's indexes.
func (w *worker) do(ctx context.Context, t *table, job []int) error {
	if len(job) == 0 {
		return w.persist(ctx, -1, func() error { return w.indexes(ctx, t) })
	}
	return w.persist(ctx, job[0], func() error { return w.chunk(ctx, t, job) })
}

// persist runs act, and retries it after a lost connection or lock. If member is 0 or
// more, its line in the progress table tells whether an earlier attempt was committed
// after all.
func (w *worker) persist(ctx context.Context, member int, act func() error) (err error) {
	w.retried = false
	for try := range tries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Duration(try*try) * 300 * time.Millisecond):
			}
		}
		err = mysql.Again(ctx, func() error {
			err := w.try(ctx, member, act)
			if err != nil {
				w.drop() // this also rolls the transaction back
				w.retried = true
			}
			return err
		})
		if err == nil || !again(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// try is one attempt of persist.
func (w *worker) try(ctx context.Context, member int, act func() error) error {
	if err := w.open(ctx); err != nil {
		return err
	}
	if w.retried && member >= 0 {
		if done, err := marked(ctx, w.conn, doneRows, member); done || err != nil {
			return err
		}
	}
	return act()
}

// again tells whether a retry on a new connection can succeed after this error. Errors
// about locks are not among them: persist has already retried those.
func again(err error) bool {
	switch mysql.Number(err) {
	case mysql.ErrQueryInterrupted,
		mysql.ErrConnectionKilled,
		3024,
		mysql.ErrServerShutdown,
		mysql.ErrTooManyConnections:
		return true
	}
	return mysql.Lost(err)
}

// passing tells of errors that say nothing about the rows: a retry can succeed.
func passing(err error) bool { return again(err) || mysql.Yields(err) }

// indexes adds the deferred keys, unless an earlier attempt did.
func (w *worker) indexes(ctx context.Context, t *table) error {
	there, err := schema.One(
		ctx,
		w.conn,
		"SELECT COUNT(*) FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND "+
			"INDEX_NAME = ?",
		w.s.o.Schema,
		t.object,
		t.deferred[0].Name,
	)
	if err != nil {
		return err
	}
	if there != "0" {
		return nil
	}
	w.s.meter.phase("indexes", t.object)
	id := w.id
	stop := context.AfterFunc(ctx, func() { w.s.kill(id) })
	defer stop()
	_, err = w.conn.ExecContext(ctx, t.addKeys())
	return wrap("add indexes to "+t.object, err)
}

// chunk loads the members of a job in one transaction, with their lines in the progress
// table.
func (w *worker) chunk(ctx context.Context, t *table, job []int) error {
	if err := exec(ctx, w.conn, "START TRANSACTION"); err != nil {
		return err
	}
	if t.plain && (w.resumed || w.retried) { // earlier rows were not rolled back
		if err := empty(ctx, w.conn, t.object); err != nil {
			return err
		}
	}
	how, err := w.fill(ctx, t, job)
	if err != nil {
		return fmt.Errorf("rows of %s: %w", t.object, err)
	}
	if err := exec(ctx, w.conn, doneLine(doneRows, job...)); err != nil {
		return err
	}
	if err := exec(ctx, w.conn, "COMMIT"); err != nil {
		return err
	}
	w.s.mu.Lock()
	t.how = how
	w.s.mu.Unlock()
	return nil
}

// fill sends the rows, by LOAD DATA where possible, else by INSERT.
func (w *worker) fill(ctx context.Context, t *table, job []int) (how string, err error) {
	if c := w.converter(t); c != nil {
		err := w.loadData(ctx, t, c, job)
		if err == nil {
			return "load-data", nil
		}
		if !w.giveUpLocal(t, err) {
			return "", err
		}
		// Roll back the rows that LOAD DATA may have inserted.
		if err := exec(ctx, w.conn, "ROLLBACK", "START TRANSACTION"); err != nil {
			return "", err
		}
		if t.plain {
			if err := empty(ctx, w.conn, t.object); err != nil {
				return "", err
			}
		}
	}
	return "insert", w.insert(ctx, t, job)
}

func (w *worker) converter(t *table) *converter {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if !w.s.local || t.convert == nil {
		return nil
	}
	c := *t.convert
	return &c
}

// giveUpLocal tells whether the job must use INSERT instead, and tells the other
// workers.
func (w *worker) giveUpLocal(t *table, err error) bool {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	switch n := mysql.Number(err); {
	case n == 1148 || n == 3948 || n == 4166 || n == 1290:
		w.s.local = false
	case errors.Is(err, errForm), errors.Is(err, errNotAll), n != 0 && !passing(err):
		t.convert = nil
	default:
		return false
	}
	return true
}

// insert sends the statements of a job's members unchanged.
func (w *worker) insert(ctx context.Context, t *table, job []int) (err error) {
	told := told{m: w.s.meter, object: t.object}
	defer func() {
		if err != nil {
			told.back()
		}
	}()
	for _, i := range job {
		mem := w.src.Manifest.Members[i]
		if w.text, err = w.unpack.member(ctx, w.text[:0], mem); err != nil {
			return err
		}
		before := told.bytes
		rows, err := w.insertText(ctx, t, w.text, &told)
		if err != nil {
			return err
		}
		if rows != mem.Rows {
			return damage(mem, "%d rows went in, the manifest says %d", rows, mem.Rows)
		}
		told.add(mem.RawLength-(told.bytes-before), 0)
	}
	return nil
}

// insertCut is how long a statement of rows is at most: progress moves with each.
const insertCut = 256 << 10

func (w *worker) insertText(ctx context.Context, t *table, text []byte, told *told) (rows int64, err error) {
	sp := sqlscan.NewSplitter(bytes.NewReader(text), sqlscan.Limits{Cut: min(insertCut, w.s.packet/2), Max: w.s.packet})
	for {
		st, err := sp.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		p, err := sqlscan.Parse(st.SQL, sqlscan.Mode{})
		if err != nil {
			return rows, err
		}
		if p.Verb == "SET" { // for system-versioned tables
			if err := w.set(ctx, st.SQL); err != nil {
				return rows, err
			}
			continue
		}
		if !rowsOf(p, t.object) {
			return rows, refuse(t.object, unknownStatement(p))
		}
		res, err := w.conn.ExecContext(ctx, string(st.SQL))
		if err != nil {
			return rows, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return rows, err
		}
		rows += n
		if err := w.warnings(ctx, t); err != nil {
			return rows, err
		}
		told.add(int64(len(st.SQL)), n)
	}
}

// set runs a SET between rows, if it is harmless.
func (w *worker) set(ctx context.Context, q []byte) error {
	v, err := w.s.guard().judge(q, "rows")
	if err != nil || v.action != settle {
		return err
	}
	return exec(ctx, w.conn, string(v.sql))
}

// rowsOf tells whether a statement only inserts values into that table.
func rowsOf(p *sqlscan.Parsed, name string) bool {
	last := p.Len() - 1
	if p.Verb != "INSERT" || len(p.Refs) != 1 || p.Own().Qualified() || p.Own().Name != name || !p.Is(last, "VALUES") {
		return false
	}
	_, ok := sqlscan.Literal(p.SQL, p.Tokens[last].End, p.Mode)
	return ok
}

// warnings records the server's warnings about inserted rows.
func (w *worker) warnings(ctx context.Context, t *table) error {
	count, err := warningCount(ctx, w.conn)
	if err != nil || count == "0" {
		return err
	}
	list, err := schema.All(ctx, w.conn, "SHOW WARNINGS LIMIT 1")
	if err == nil && len(list) > 0 {
		w.s.note(backup.NoteWarning, t.object, list[0][2])
	}
	return err
}
