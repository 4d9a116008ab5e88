package replay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/sqlscan"
)

// Question is the input of a forecast.
type Question struct {
	Run    *changes.Run
	Moment binlog.Moment
	From   string           // database name in the log
	To     string           // database to replay into
	Tables []string         // only these tables; empty means all
	Rows   map[string]int64 // the backup's row counts; -1 if unknown
	Maria  bool
	Folds  bool     // the server's names of databases and tables are in lower case
	Others []string // the server's databases
	// Open accepts a log that does not reach the moment yet, and reads nothing after the
	// moment, so what is left out is not reported.
	Open    bool
	Side    Side // implicit effects of statements
	Inbound Inbound
	// Strays are the backup's triggers, in lower case, whose code names another database.
	Strays []string
	// Has reports whether a table of another database exists on the server; nil if unknown.
	Has func(sqlscan.Ref) bool
	// Quiet ends the replay where no temporary table is open: it continues in another session.
	Quiet bool

	server server
}

// Forecast is the effect of a replay, and what is lost by ending there.
type Forecast struct {
	To           binlog.Place // end of the replay, after a whole transaction
	ToTime       time.Time    // time of the last transaction replayed; zero if none
	Next         time.Time    // time of the first transaction left out; zero if all are replayed
	Transactions int64
	Tables       []binlog.TableChange // replayed changes
	Rows         map[string]int64     // row counts afterwards
	Least        map[string]int64     // minimum for tables with unknown row counts
	Rough        []string             // tables from which foreign keys may have removed rows that are not in the log
	Followed     []string             // tables whose rows followed those of another database, which is not in the log
	Unseen       []string             // databases with statements and with code that this user may not see
	Definitions  int
	Statements   int                  // in statement format
	Foreign      int64                // transactions that also changed other databases
	Refused      []Refusal            // statements that cannot be replayed
	After        []binlog.TableChange // later changes, which are lost
	AfterCount   int64
	AfterDDL     int
	Extra        binlog.GTIDs // transactions before the end that are not in the requested set of GTIDs
	InPart       string       // a table for which the log holds only parts of its JSON documents
	Triggers     bool         // the log creates triggers, which fire for statements but not for row images
	Functions    bool         // the log creates functions
	Definers     []string     // accounts that the log creates objects for, as SQL
	Temporary    bool         // the log uses temporary tables
	Long         Long         // the longest change
	Waits        bool         // it ends earlier than asked, because a temporary table stays open
	Likes        []Like       // tables that are created like a table of another database
	Damaged      error        // damage of the log after the end, so what is left out is not all counted
	Early        Early        // transactions left out although their times are before the moment
}

// Early are transactions after the end of a replay to a time that have an earlier time. In
// the log of MariaDB, and of MySQL before 8.0, a time is the start of a statement or what
// the session set as its timestamp, and a clock may have been set back.
type Early struct {
	Count   int64           // that concern the database
	Last    binlog.Position // end of the last one
	Between int64           // transactions of the database before it, at or after the moment
	First   binlog.Position // start of the first transaction at or after the moment, where the replay ends
	Time    time.Time       // time of that transaction
}

// Refusal is a statement that cannot be replayed.
type Refusal struct {
	ID   string
	Time time.Time
	Why  lang.Msg
}

// Like is a table that is created like a table of another database, as that one is now.
type Like struct {
	Name  string
	Other sqlscan.Ref
	at    Refusal // of the statement
}

// ErrNotReached reports that the log ends before the moment.
var ErrNotReached = errors.New("the available binlogs do not contain that time")

// Look reads the log from the backup's position on and forecasts a replay up to the
// moment.
func Look(ctx context.Context, q Question) (*Forecast, error) {
	l := &look{q: q, f: &Forecast{Rows: maps.Clone(q.Rows), To: q.Run.From}, open: map[string]prepared{}}
	if l.f.Rows == nil {
		l.f.Rows = map[string]int64{}
	}
	l.least = newLeast(q)
	l.judge = newJudge(q.From, q.To, q.Tables, q.Others)
	l.judge.maria, l.judge.folds = q.Maria, q.Folds
	for _, name := range q.Strays {
		l.judge.strays[name] = true
	}
	l.judge.inbound = q.Inbound
	l.judge.has, l.judge.implicit = q.Has, !q.Side.None
	l.sum.Done = l.done
	l.sum.NoNotes = true
	var err error
	if q.Moment.GTIDs != "" {
		if l.want, err = binlog.ParseGTIDs(q.Moment.GTIDs); err != nil {
			return nil, err
		}
	}
	l.have = q.Run.Base.Clone()
	err = q.Run.Each(ctx, q.Run.From, func(at binlog.Place, f *format.Format) error {
		l.at = at
		if !f.Created.IsZero() { // the server was restarted: its temporary tables are gone
			clear(l.judge.temp)
		}
		return nil
	}, l.take)
	if errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	if errors.Is(err, binarchive.ErrDamaged) && l.complete(err) {
		l.f.Damaged = err
		err = nil
	}
	if err != nil {
		return nil, err
	}
	l.quieten()
	l.f.Least, l.f.Rough = l.least.of(l.f.Rows), l.least.roughly()
	if !q.Open && l.f.Damaged == nil && !l.found() {
		return l.f, ErrNotReached
	}
	return l.f, nil
}

// complete reports whether everything before the moment was read when a frame was found
// damaged: by the index, the frame begins between two transactions, at the moment or later.
func (l *look) complete(err error) bool {
	m := l.q.Moment
	if l.past || m.Position != nil && *m.Position == l.f.To.Position {
		return true
	}
	var damaged *binarchive.FrameError
	if m.Time.IsZero() || !errors.As(err, &damaged) || damaged.Frame.OpenFrom != 0 {
		return false
	}
	return !damaged.Frame.FromTime.Before(m.Time)
}

func newJudge(from, to string, scope, others []string) judge {
	known := map[string]bool{}
	for _, o := range others {
		known[o] = o != from
	}
	return judge{
		from:   from,
		to:     to,
		scope:  scope,
		others: func(name string) bool { return known[name] },
		temp:   temps{},
		strays: map[string]bool{},
	}
}

// look is one pass over the log for a forecast.
type look struct {
	q      Question
	f      *Forecast
	judge  judge
	least  *least
	sum    format.Summary
	at     binlog.Place // the current file
	past   bool         // the moment has passed
	later  int64        // our transactions at or after the moment
	want   binlog.GTIDs
	have   binlog.GTIDs   // transactions in the backup, and those of want that are replayed
	skip   bool           // the backup already holds the group
	cause  []decided      // decisions for the current group
	second format.XAPhase // the current group's XA phase
	parts  string         // a table in it with only parts of JSON documents in the log
	why    []lang.Msg     // why parts of it cannot be replayed
	long   Long           // the longest change in it
	// followed are our tables whose rows followed those of another database in it.
	followed []string
	unseen   []string            // databases that its statements change, with code that this user may not see
	open     map[string]prepared // XA transactions
	quiet    Forecast            // at the last place without open temporary tables
}

func (l *look) take(i *format.Item) error {
	switch i.What {
	case format.Begin:
		l.cause = nil
		l.why = nil
		l.parts = ""
		l.long = Long{}
		l.followed = nil
		l.unseen = nil
		l.skip = i.Group.GTID.ID != "" && !l.q.Run.Done.Empty() && contains(l.q.Run.Done, i.Group.GTID.ID)
	case format.Statement:
		l.statement(i.Query)
	case format.Change:
		if m := i.Rows.Map; m.Schema == l.q.From && l.judge.inScope(m.Name) && i.Rows.InPart() {
			l.parts = m.Name
		}
		l.follow(i.Rows)
		if err := l.measure(i); err != nil {
			return err
		}
	case format.End:
		l.second = i.Group.Phase
		if i.Group.Phase == format.XACommit && l.open[i.Group.XA].t == nil {
			l.why = append(l.why, lang.M("the XA transaction %s was prepared before the backup", i.Group.XA))
		}
	case format.Load, format.Incident:
		if why := l.judge.unreplayable(i); !why.Empty() {
			l.why = append(l.why, why)
		}
	}
	return l.sum.Take(i)
}

func contains(set binlog.GTIDs, id string) bool {
	one, err := binlog.ParseGTIDs(id)
	return err == nil && set.Contains(one)
}

func (l *look) statement(q *format.Query) {
	l.redefined(q)
	d, refusal := l.judge.statement(q)
	if !refusal.Empty() {
		l.why = append(l.why, refusal)
		return
	}
	if d.kind != foreign {
		l.cause = append(l.cause, d)
		return
	}
	l.followStatement(q)
	l.unseen = append(l.unseen, l.hidden(q)...)
}

// done handles the summary of a group.
func (l *look) done(t *binlog.Transaction) error {
	if l.skip {
		return nil
	}
	l.pass(t)
	switch {
	case l.past && l.q.Open:
		return binarchive.ErrEnough
	case l.past:
		l.after(t)
		return nil
	}
	l.f.To = l.at
	l.f.To.Pos = t.End
	l.f.ToTime = t.Time
	if !t.Void {
		l.f.Transactions++
	}
	if t.GTID != "" {
		if err := l.reach(t.GTID); err != nil {
			return err
		}
	}
	l.replayed(t)
	if l.q.Quiet && len(l.judge.temp) == 0 {
		l.quiet = *l.f
	}
	return nil
}

// reach records the id of a finished transaction. In a MariaDB set, only that exact id
// counts: a later id in the domain proves nothing.
func (l *look) reach(id string) error {
	one, err := binlog.ParseGTIDs(id)
	if err != nil {
		return err
	}
	if l.want.Agrees(one) {
		l.have.Union(one)
	}
	if l.q.Moment.GTIDs != "" && !l.want.Contains(one) {
		l.f.Extra.Union(one)
	}
	return nil
}

// pass finds out whether a transaction is after the moment.
func (l *look) pass(t *binlog.Transaction) {
	m := l.q.Moment
	if l.past {
		return
	}
	switch {
	case m.Before != "":
		l.past = t.ID == m.Before || binlog.Position{File: t.File, Pos: t.Pos}.String() == m.Before
	case m.Position != nil:
		l.past = t.File == m.Position.File && t.End > m.Position.Pos || m.Position.Before(binlog.Position{File: t.File})
	case m.GTIDs != "":
		l.past = l.have.Agrees(l.want)
	default:
		l.past = !t.Time.Before(m.Time)
	}
	if l.past {
		l.f.Next = t.Time
		l.f.Early.First = binlog.Position{File: t.File, Pos: t.Pos}
		l.f.Early.Time = t.Time
	}
}

// found reports whether the log that was read contains the moment.
func (l *look) found() bool {
	m := l.q.Moment
	end := l.q.Run.End()
	switch {
	case l.past:
		return true
	case m.Before != "":
		return false
	case m.Position != nil:
		return *m.Position == end.Position || m.Position.Before(end.Position)
	case m.GTIDs != "":
		return l.have.Agrees(l.want)
	}
	return l.q.Run.Live && !m.Time.After(time.Now().Add(time.Minute)) || !m.Time.After(l.q.Run.ToTime())
}

// replayed adds a transaction's effect on the database.
func (l *look) replayed(t *binlog.Transaction) {
	if l.parts != "" {
		l.f.InPart = l.parts
	}
	if t = l.decidedXA(t); t == nil {
		return
	}
	if l.long.Bytes > l.f.Long.Bytes {
		l.f.Long = l.long
	}
	for _, d := range l.cause {
		l.cause1(d)
	}
	if !t.RolledBack {
		l.f.Followed = sorted(append(l.f.Followed, l.followed...))
		l.f.Unseen = sorted(append(l.f.Unseen, l.unseen...))
	}
	for _, why := range l.why {
		l.f.Refused = append(l.f.Refused, Refusal{ID: t.ID, Time: t.Time, Why: why})
	}
	back := slices.ContainsFunc(l.cause, func(d decided) bool { return d.back })
	ours, others := false, false
	for _, d := range l.cause {
		ours = ours || d.partly
		others = others || d.partly
		l.f.Temporary = l.f.Temporary || d.kind == scratch
		if d.like != nil {
			l.f.Likes = append(l.f.Likes, Like{d.tables[0], *d.like, Refusal{ID: t.ID, Time: t.Time}})
		}
		l.f.Triggers = l.f.Triggers || d.effect.trigger
		l.f.Functions = l.f.Functions || d.effect.function
		if d.definer != "" && !slices.Contains(l.f.Definers, d.definer) {
			l.f.Definers = append(l.f.Definers, d.definer)
		}
	}
	for _, c := range t.Tables {
		if c.Schema != l.q.From || !l.judge.inScope(c.Table) {
			others = others || c.Schema != l.q.From
			continue
		}
		ours = true
		if !t.RolledBack {
			sumChange(&l.f.Tables, c)
			count(l.f.Rows, c.Table, c.Inserted-c.Deleted)
			if back { // some of the rows were taken back
				forget(l.f.Rows, c.Table)
				c.Inserted = 0
			}
			l.least.rows(c)
		}
	}
	if ours && others {
		l.f.Foreign++
	}
}

func (l *look) cause1(d decided) {
	switch d.kind {
	case definition:
		l.f.Definitions++
		d.effect.apply(l.f.Rows)
		l.least.define(d)
	case rowsOf:
		l.f.Statements++
		unknown(l.f.Rows)
		l.least.statement(d)
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// unknown marks all row counts as unknown after a statement that changes rows: triggers
// may change tables that it does not name.
func unknown(rows map[string]int64) {
	for t := range rows {
		rows[t] = unknownRows
	}
}

// forget marks a table's row count as unknown.
func forget(rows map[string]int64, table string) {
	if _, there := rows[table]; there {
		rows[table] = unknownRows
	}
}

// count updates a table's row count.
func count(rows map[string]int64, table string, more int64) {
	if n, there := rows[table]; there && n != unknownRows {
		rows[table] = n + more
	}
}

// after adds up what is lost.
func (l *look) after(t *binlog.Transaction) {
	end := binlog.Position{File: t.File, Pos: t.End}
	at := t.Time
	if t = l.decidedXA(t); t == nil {
		return
	}
	ours := false
	for _, c := range t.Tables {
		if c.Schema == l.q.From && l.judge.inScope(c.Table) {
			sumChange(&l.f.After, c)
			ours = true
		}
	}
	counts := func(d decided) bool { return d.kind == definition || d.kind == rowsOf }
	if len(l.why) > 0 || slices.ContainsFunc(l.cause, counts) {
		l.f.AfterDDL++
		ours = true
	}
	if !ours {
		return
	}
	l.f.AfterCount++
	if at.Before(l.q.Moment.Time) {
		l.f.Early.Count++
		l.f.Early.Last = end
		l.f.Early.Between = l.later
	} else {
		l.later++
	}
}

func sumChange(list *[]binlog.TableChange, c binlog.TableChange) {
	at := slices.IndexFunc(*list, func(o binlog.TableChange) bool { return o.Table == c.Table })
	if at < 0 {
		*list = append(*list, c)
		return
	}
	o := &(*list)[at]
	o.Inserted = o.Inserted + c.Inserted
	o.Updated = o.Updated + c.Updated
	o.Deleted = o.Deleted + c.Deleted
}
