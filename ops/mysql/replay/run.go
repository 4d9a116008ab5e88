package replay

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// Job is one replay.
type Job struct {
	Run    *changes.Run
	To     binlog.Place // transactions that begin here or later are not replayed
	From   string       // database name in the log
	Schema string       // target database
	Tables []string     // only these tables; empty means all
	Total  int64        // forecast of State.Transactions at the end; 0 is unknown
	Before int64        // transactions of Total that earlier replays did
	Report func(ops.Progress)
	Plain  bool // use statements for rows even if BINLOG is allowed
	// Keep leaves the replay open: the next one continues from its position. Transactions that
	// change nothing here are not committed one by one, because each commit is logged again.
	Keep bool
	// Rest is called after each commit. Its error ends the replay there.
	Rest func(context.Context) error

	limits *limits // of a test
}

// commitBytes is the size of log per commit, in bytes; keepBytes is the size for a replay
// that is kept open, which must not block others.
const (
	commitBytes = 4 << 20
	keepBytes   = 512 << 10
)

// keepAhead is the size of log without changes here that a kept replay reads before it
// commits its position, in bytes.
const keepAhead = 32 << 20

// runner is a running replay.
type runner struct {
	Job
	ctx    context.Context
	apply  *sql.Conn // changes data and position in one transaction
	note   *sql.Conn // records steps that are not transactional
	judge  judge
	state  State
	wait   *pending // of an interrupted replay
	server server
	begin  time.Time

	file       binlog.Place   // the current file
	ended      binlog.Place   // the end of the last group that was read
	reached    bool           // the file in which the replay ends was read
	sentFormat *format.Format // the format last sent to the server
	saved      binlog.Place   // the last committed position
	engines    map[string]string
	// versioned are the system-versioned tables: an UPDATE logs the history row too.
	versioned map[string]bool
	group     group
	open      bool // a transaction is open
	size      int64
	noted     bool // a non-transactional step is recorded
	batch     batch
	unsent    binlog.Place // where the first group begins whose changes are in the batch
	plain     plain
	guarded   guarded
	native    bool   // rows go through the BINLOG statement, or not at all
	decided   bool   // an XA transaction that is committed is read again
	strayed   bool   // the target's triggers were read, for those that name other databases
	thread    uint32 // pseudo_thread_id of the session; 0: its own
	joins     joins
	cascades  cascades // nil: not read since the last definition
}

// ErrUnplanned says that a replay did not do what was forecast, and so did not end.
var ErrUnplanned = errors.New("the replay differs from its plan")

// Run continues a prepared replay to its end. It can be repeated after any error but
// ErrAgain.
func Run(ctx context.Context, db *sql.DB, job Job) (State, error) {
	r := &runner{Job: job, ctx: ctx, begin: time.Now(), plain: plain{on: job.Plain}}
	r.joins = newJoins(ctx, db, job.Schema)
	if job.limits != nil {
		r.joins.limits = *job.limits
	}
	if err := r.connect(db); err != nil {
		return r.state, err
	}
	defer r.leave()
	if err := r.resume(); err != nil || r.state.Ended {
		return r.state, err
	}
	err := r.Run.UpTo(r.To).Each(ctx, r.state.At, r.opens, r.take)
	// What is damaged after the end is not needed.
	if errors.Is(err, binarchive.ErrEnough) || errors.Is(err, binarchive.ErrDamaged) && r.ended == r.To {
		err = nil
	}
	if err != nil {
		return r.state, err
	}
	if r.Total > 0 && r.state.Transactions != r.Total {
		return r.state, fmt.Errorf("%w: %d transactions instead of %d", ErrUnplanned,
			r.state.Transactions-r.Before, r.Total-r.Before)
	}
	if r.Keep {
		return r.state, r.pauseHere()
	}
	r.state.Ended = true
	return r.state, r.commit()
}

// pauseHere commits the open transaction, and the position if it is worth a commit.
func (r *runner) pauseHere() error {
	if !r.open && !r.noted && r.batch.len() == 0 && r.joins.idle() && !r.farAhead() {
		return nil
	}
	return r.commit()
}

// farAhead reports whether the committed position is far behind the current one.
func (r *runner) farAhead() bool {
	return r.state.At.File != r.saved.File || r.state.At.Identity != r.saved.Identity ||
		r.state.At.Pos-r.saved.Pos > keepAhead
}

func (r *runner) connect(db *sql.DB) (err error) {
	if r.apply, err = db.Conn(r.ctx); err != nil {
		return err
	}
	if r.note, err = db.Conn(r.ctx); err != nil {
		r.apply.Close()
		return err
	}
	for _, c := range []*sql.Conn{r.apply, r.note} {
		if err = setUp(r.ctx, c); err != nil {
			break
		}
	}
	if err == nil {
		err = alone(r.ctx, r.apply, r.Schema)
	}
	if err == nil {
		err = othersEnd(r.ctx, r.apply, r.Schema)
	}
	if err == nil {
		err = r.server.ask(r.ctx, r.apply)
	}
	if err == nil {
		err = r.server.quietly(r.ctx, r.apply)
	}
	if err == nil {
		err = lostOnly(byRows(r.ctx, r.apply)) // the plan refuses temporary tables without the privilege
	}
	if err != nil {
		r.leave()
	}
	return err
}

// leave closes the two sessions: they have settings and a lock that nobody else needs.
func (r *runner) leave() {
	r.joins.leave()
	for _, c := range []*sql.Conn{r.apply, r.note} {
		c.Raw(func(any) error { return driver.ErrBadConn })
		c.Close()
	}
}

// resume reads the progress of an earlier try.
func (r *runner) resume() error {
	state, there, err := read[State](r.ctx, r.apply, r.Schema, rowState)
	if err != nil || !there {
		return fmt.Errorf("read the progress of the replay: %w", errors.Join(err, missing(there)))
	}
	r.state, r.saved = state, state.At
	if r.joins.redo, err = readWritten(r.ctx, r.apply, r.Schema); err != nil {
		return err
	}
	if state.Temps > 0 && !state.Ended {
		return ErrAgain
	}
	wait, there, err := read[pending](r.ctx, r.apply, r.Schema, rowPending)
	if err != nil {
		return err
	}
	if there {
		if wait.Number == 0 {
			return ErrAgain
		}
		r.wait = &wait
		r.noted = true
	}
	names, err := schemas(r.ctx, r.apply)
	r.judge = newJudge(r.From, r.Schema, r.Tables, names)
	r.judge.maria, r.judge.folds = r.server.maria, r.server.folds
	r.judge.has = func(t sqlscan.Ref) bool { return thereIs(r.ctx, r.note, t) }
	return err
}

func missing(there bool) error {
	if there {
		return nil
	}
	return ErrAgain
}

// opens handles the format of the next file, and sends it to the server if it differs.
func (r *runner) opens(at binlog.Place, f *format.Format) error {
	// Files that the server begins within one second have the same identity.
	if r.reached && (at.Identity != r.To.Identity || at.File != r.To.File) {
		return binarchive.ErrEnough
	}
	if !f.Created.IsZero() {
		if err := dropTemps(r); err != nil {
			return err
		}
	}
	r.file = at
	r.reached = r.reached || at.Identity == r.To.Identity && at.File == r.To.File
	if r.sentFormat != nil && r.sentFormat.Same(f) {
		return nil
	}
	if r.sentFormat != nil {
		if err := r.commit(); err != nil {
			return err
		}
	}
	r.sentFormat = f
	return r.tell(f)
}

// take replays one step of the log.
func (r *runner) take(i *format.Item) error {
	err := r.step(i)
	var window *windowError
	if err == nil || errors.Is(err, binarchive.ErrEnough) || r.ctx.Err() != nil || errors.As(err, &window) {
		return err
	}
	return failed(r, i, err)
}

func (r *runner) step(i *format.Item) error {
	if i.What == format.Begin {
		return r.starts(i.Group)
	}
	if r.group.skip {
		return nil
	}
	switch i.What {
	case format.Statement:
		return r.statement(i)
	case format.Context:
		return r.context(i)
	case format.Change:
		return r.change(i)
	case format.Load, format.Incident:
		if why := r.judge.unreplayable(i); !why.Empty() {
			return ops.E(ops.Failed, why)
		}
	case format.End:
		return r.ends(i.Group)
	}
	return nil
}

// starts handles the start of a group, and tells when the end of the replay is reached.
func (r *runner) starts(g *format.Group) error {
	at := r.file
	at.Pos = g.Pos
	if r.reached && at.File == r.To.File && at.Pos >= r.To.Pos {
		return binarchive.ErrEnough
	}
	r.group = group{from: at}
	r.group.skip = g.GTID.ID != "" && !r.Run.Done.Empty() && contains(r.Run.Done, g.GTID.ID)
	return nil
}

// ends finishes a group.
func (r *runner) ends(g *format.Group) error {
	end := r.file
	end.Pos = g.End
	r.ended = end
	switch g.Phase {
	case format.XAPrepared:
		if r.state.XA == nil {
			r.state.XA = map[string]binlog.Place{}
		}
		r.state.XA[g.XA] = r.group.from
		r.group.changes, r.group.held, r.group.removed = nil, nil, nil
	case format.XACommit:
		if err := r.second(g.XA); err != nil {
			return err
		}
	case format.XANone:
		if r.group.later && !g.RolledBack { // it is committed in one phase
			r.group.changes, r.group.held, r.group.removed = nil, nil, nil
			if err := r.again(r.group.from); err != nil {
				return err
			}
		}
	}
	held := r.group.take(g.RolledBack)
	joined, err := join(r, g, held)
	if err != nil {
		return err
	}
	if !joined {
		err = r.put(held)
	}
	if err != nil {
		return err
	}
	if g.RolledBack {
		if err := r.rollBack(); err != nil {
			return err
		}
	}
	for _, c := range r.group.changes {
		count(r.state.Rows, c.Table, c.Inserted-c.Deleted)
		if r.group.partly || r.versioned[c.Table] { // rows were taken back, or are history
			forget(r.state.Rows, c.Table)
		}
		if strings.EqualFold(r.engines[c.Table], "MRG_MyISAM") { // the rows are in one of its tables
			for t, engine := range r.engines {
				if engine == "MyISAM" {
					forget(r.state.Rows, t)
				}
			}
		}
		r.state.Changed += c.Rows()
	}
	if !g.RolledBack {
		if err := cascade(r); err != nil {
			return err
		}
	}
	if g.Phase == format.XACommit || g.Phase == format.XARollback {
		delete(r.state.XA, g.XA)
	}
	r.state.At = end
	if !g.Void() {
		r.state.Transactions++
	}
	r.group = group{}
	r.report()
	if due(r) {
		if err := launch(r); err != nil || !r.Keep {
			return err
		}
		if err := land(r); err != nil {
			return err
		}
		return rest(r)
	}
	limit := int64(commitBytes)
	if r.Keep {
		limit = keepBytes
	}
	if r.noted || r.size >= limit {
		if err := r.commit(); err != nil {
			return err
		}
		return rest(r)
	}
	return nil
}

// rest calls Rest where another session could continue.
func rest(r *runner) error {
	if r.Rest == nil || len(r.judge.temp) > 0 {
		return nil
	}
	return r.Rest(r.ctx)
}

func (r *runner) report() {
	if r.Report == nil {
		return
	}
	r.Report(ops.Progress{
		Phase:   "replay",
		Object:  r.state.At.Position.String(),
		Done:    r.state.Transactions - r.Before,
		Total:   max(r.Total, r.state.Transactions) - r.Before,
		Unit:    "transactions",
		Rows:    r.state.Changed,
		Elapsed: time.Since(r.begin),
	})
}

// transactional reports whether a table is transactional.
func (r *runner) transactional(table string) bool {
	if r.engines == nil {
		r.engines = map[string]string{}
		r.versioned = map[string]bool{}
		rows, err := schema.All(
			r.ctx,
			r.note,
			"SELECT TABLE_NAME, COALESCE(ENGINE, ''), TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?",
			r.Schema,
		)
		if err != nil {
			return false
		}
		for _, row := range rows {
			r.engines[row[0]] = row[1]
			r.versioned[row[0]] = row[2] == "SYSTEM VERSIONED"
		}
	}
	t := schema.Table{Engine: r.engines[table]}
	return t.Transactional()
}
