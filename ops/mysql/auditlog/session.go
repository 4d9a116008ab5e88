package auditlog

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

// killPatience is how long a cancelled query may take to end after KILL QUERY
// before its connection is cut.
const killPatience = 3 * time.Second

// killLimit is how long the KILL QUERY itself may take to arrive.
const killLimit = time.Minute

// lane is where queries run: on one session, one after the other, each with a
// limit of time, and ended on the server when whoever asked has gone.
type lane struct {
	db    *sql.DB
	opt   *Options
	can   *ability
	known bool          // the table and the server were looked at
	turn  chan struct{} // capacity 1: one query at a time
	conn  *session      // used while holding the turn
}

func newLane(db *sql.DB, o *Options, can *ability) *lane {
	return &lane{db: db, opt: o, can: can, turn: make(chan struct{}, 1)}
}

// alone does work while no query runs.
func (l *lane) alone(work func()) {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	work()
}

// close ends the session; the next query makes another.
func (l *lane) close() {
	l.alone(func() {
		if l.conn != nil {
			l.conn.close()
			l.conn = nil
		}
	})
}

// session is the one connection that queries run on.
type session struct {
	conn  *sql.Conn
	id    int64
	hint  string       // put behind SELECT
	arm   func()       // has the time of the next query begin
	gone  func() error // why whoever asked does not wait any more
	began time.Time    // the last SELECT
}

// discoverLimit is what a query may take that looks at the table and the server.
const discoverLimit = 30 * time.Second

// errOverTime says that a query ran longer than it may and was killed by us,
// because the server did not end it.
var errOverTime = errors.New("the query ran over its time")

func (l *lane) connect(ctx context.Context) (*session, error) {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	q := &session{conn: conn}
	if err := q.prepare(ctx, l.limit()); err != nil {
		q.close()
		return nil, fmt.Errorf("set up the session: %w", err)
	}
	return q, nil
}

// prepare sets what queries rely on. The time limit is set in whichever way
// the server knows; the other fails, which is no matter.
func (q *session) prepare(ctx context.Context, limit time.Duration) error {
	if err := q.row(ctx, "SELECT CONNECTION_ID()", nil, &q.id); err != nil {
		return err
	}
	if err := q.exec(ctx, "SET time_zone = '+00:00'"); err != nil {
		return err
	}
	if err := q.exec(ctx, "SET sql_mode = ''"); mysql.Lost(err) {
		return err
	}
	return q.bound(ctx, limit)
}

// bound limits the time of queries, if at all, on the server.
func (q *session) bound(ctx context.Context, limit time.Duration) error {
	if limit <= 0 {
		return nil
	}
	q.hint = fmt.Sprintf(" /*+ MAX_EXECUTION_TIME(%d) */", limit.Milliseconds())
	if err := q.exec(ctx, fmt.Sprintf("SET SESSION max_statement_time = %.3f", limit.Seconds())); mysql.Lost(err) {
		return err
	}
	return nil
}

// limit is what a query may take; at least discoverLimit until the source is known.
func (l *lane) limit() time.Duration {
	if l.opt.Timeout > 0 && !l.known {
		return max(l.opt.Timeout, discoverLimit)
	}
	return l.opt.Timeout
}

// close gives up the connection for good: its session is not the pool's.
func (q *session) close() {
	_ = q.conn.Raw(func(any) error { return driver.ErrBadConn }) // makes the pool drop it
	_ = q.conn.Close()
}

func (q *session) exec(ctx context.Context, query string) error {
	q.begin()
	_, err := q.conn.ExecContext(ctx, query)
	return err
}

func (q *session) row(ctx context.Context, query string, args []any, dest ...any) error {
	if err := q.asked(); err != nil {
		return err
	}
	q.begin()
	return q.conn.QueryRowContext(ctx, query, args...).Scan(dest...)
}

// asked fails once nobody waits for the answer: work of many short queries
// ends between two of them, where no kill would meet it.
func (q *session) asked() error {
	if q.gone == nil {
		return nil
	}
	return q.gone()
}

func (q *session) begin() {
	if q.arm != nil {
		q.arm()
	}
}

// knows tells whether the server has a variable of that name.
func (q *session) knows(ctx context.Context, variable string) bool {
	return q.exec(ctx, "SELECT @@"+variable) == nil
}

// query sends a SELECT with its time limit.
func (q *session) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := q.asked(); err != nil {
		return nil, err
	}
	q.begin()
	q.began = time.Now()
	if rest, ok := strings.CutPrefix(query, "SELECT"); ok {
		query = "SELECT" + q.hint + rest
	}
	return q.conn.QueryContext(ctx, query, args...)
}

// with runs work on the session, in its turn. When ctx ends meanwhile, the
// query is killed on the server. Work that only reads is begun once more when
// the connection turns out to be gone.
func (l *lane) with(ctx context.Context, work func(context.Context, *session) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	err := l.attempt(ctx, work)
	if mysql.Lost(err) && ctx.Err() == nil {
		err = l.attempt(ctx, work)
	}
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	return err
}

func (l *lane) attempt(ctx context.Context, work func(context.Context, *session) error) error {
	if l.conn == nil {
		conn, err := l.connect(ctx)
		if err != nil {
			return err
		}
		l.conn = conn
	}
	// The driver would close the connection when ctx ends and leave the query
	// running; so the query gets a context that outlives ctx by the kill.
	inner, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	done := make(chan struct{})
	watched := make(chan struct{})
	var late, killed, ended bool // written before watched is closed
	q := l.conn
	alarm := l.alarm(q)
	q.gone = ctx.Err
	go func() {
		defer close(watched)
		select {
		case <-done:
			return
		case <-ctx.Done():
		case <-alarm.C:
			late = true
		}
		killed = true
		ended = l.kill(q.id, done, cut)
	}()
	err := l.transact(inner, q, work)
	close(done)
	<-watched
	alarm.Stop()
	if mysql.Lost(err) || killed {
		q.close()
		l.conn = nil
	}
	switch {
	case late && ctx.Err() == nil && !ended:
		return cmp.Or(l.opt.Target.Stalled(q.id, l.limit()), errOverTime)
	case late && ctx.Err() == nil:
		return errOverTime
	case killed && err == nil:
		return ctx.Err() // some servers end a query that is killed as if it had no more rows
	}
	if mysql.Number(err) == mysql.ErrQueryInterrupted && !killed && l.limit() > 0 && time.Since(q.began) >= l.limit() {
		return errOverTime // TiDB does not say why it ended a query
	}
	return err
}

// alarm is the clock of each query of a session. Where the server has a limit
// of its own, that comes first.
func (l *lane) alarm(q *session) *time.Timer {
	limit := l.limit()
	if limit <= 0 {
		limit = 365 * 24 * time.Hour
	} else if l.can.limit != "" {
		limit += limit/2 + 2*time.Second
	}
	t := time.NewTimer(limit)
	q.arm = func() { t.Reset(limit) }
	return t
}

// kill ends a session's query from a connection of its own, and cuts the session off
// when that does not help in time: whoever has cancelled does not wait longer. The kill
// itself may take its time on a busy server, which else works on for nobody. It returns
// whether the query ended before it was cut off.
func (l *lane) kill(id int64, done <-chan struct{}, cut context.CancelFunc) (ended bool) {
	defer cut()
	over := make(chan struct{})
	go func() {
		defer close(over)
		ctx, cancel := context.WithTimeout(context.Background(), killLimit)
		defer cancel()
		for ctx.Err() == nil {
			if _, err := l.db.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", id)); err != nil {
				return
			}
			// The kill may have come between two queries of the work: again, soon.
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	select {
	case <-done:
	case <-over:
	case <-time.After(killPatience):
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func (l *lane) transact(ctx context.Context, q *session, work func(context.Context, *session) error) error {
	begin := "START TRANSACTION READ ONLY"
	if !l.can.readOnly {
		return work(ctx, q)
	}
	if err := q.exec(ctx, begin); err != nil {
		return err
	}
	err := work(ctx, q)
	if end := q.exec(ctx, "COMMIT"); err == nil {
		err = end
	}
	return err
}

// asked leaves questions as they are and explains everything else.
func (l *lane) asked(err error) error {
	var much *audit.TooMuchError
	var unproved *audit.UnprovedError
	if errors.As(err, &much) || errors.As(err, &unproved) {
		return err
	}
	return l.explain(err)
}
