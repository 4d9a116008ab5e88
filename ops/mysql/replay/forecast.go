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
)

// Question is what a forecast is made of.
type Question struct {
	Run    *changes.Run
	Moment binlog.Moment
	From   string           // the schema's name in the log
	To     string           // the schema that it will be replayed into
	Tables []string         // these alone; empty is all
	Rows   map[string]int64 // the backup's tables; -1 where it does not know
	Maria  bool
	Others []string // the server's schemas
	// Open takes what is there where the log does not reach the moment yet, and reads
	// nothing after it: what is left out is not told.
	Open bool
	Side Side // what a statement does besides
}

// Forecast is what a replay would do, and what would be lost by ending there.
type Forecast struct {
	To           binlog.Place // up to there, whole transactions
	ToTime       time.Time    // of the last transaction replayed; zero for none
	Next         time.Time    // of the first that is left out; zero when all is replayed
	Transactions int64
	Tables       []binlog.TableChange // what is replayed
	Rows         map[string]int64     // the tables afterwards
	Least        map[string]int64     // of those whose rows are not known: at least so many
	Rough        []string             // tables from which foreign keys may have removed rows unlogged
	Definitions  int
	Statements   int                  // of the statement format
	Foreign      int64                // transactions that changed other schemas, too
	Refused      []Refusal            // what cannot be replayed
	After        []binlog.TableChange // what comes later, and is lost
	AfterCount   int64
	AfterDDL     int
	Extra        binlog.GTIDs // what a set of GTIDs does not name, and lies before its end
	InPart       string       // a table of whose JSON documents the log holds only parts
	Backwards    bool         // the server's clock went back over the moment
}

// Refusal is a statement that cannot be replayed.
type Refusal struct {
	ID   string
	Time time.Time
	Why  lang.Msg
}

// ErrNotReached says that the log does not hold the moment.
var ErrNotReached = errors.New("the binary log that is at hand does not hold that moment")

// Look reads the log from the backup's place on and tells what a replay up to the moment
// would do.
func Look(ctx context.Context, q Question) (*Forecast, error) {
	l := &look{q: q, f: &Forecast{Rows: maps.Clone(q.Rows), To: q.Run.From}, open: map[string]*binlog.Transaction{}}
	if l.f.Rows == nil {
		l.f.Rows = map[string]int64{}
	}
	l.least = newLeast(q)
	l.judge = newJudge(q.From, q.To, q.Maria, q.Tables, q.Others)
	l.sum.Done = l.done
	var err error
	if q.Moment.GTIDs != "" {
		if l.want, err = binlog.ParseGTIDs(q.Moment.GTIDs); err != nil {
			return nil, err
		}
	}
	l.have = q.Run.Base.Clone()
	err = q.Run.Each(ctx, q.Run.From, func(at binlog.Place, _ *format.Format) error {
		l.at = at
		return nil
	}, l.take)
	if errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	l.f.Least, l.f.Rough = l.least.of(l.f.Rows), l.least.roughly()
	if !q.Open && !l.found() {
		return l.f, ErrNotReached
	}
	return l.f, nil
}

func newJudge(from, to string, maria bool, scope, others []string) judge {
	known := map[string]bool{}
	for _, o := range others {
		known[o] = o != from
	}
	return judge{
		from:   from,
		to:     to,
		maria:  maria,
		scope:  scope,
		others: func(name string) bool { return known[name] },
		temp:   map[tempTable]bool{},
	}
}

// look is a reading of the log for a forecast.
type look struct {
	q      Question
	f      *Forecast
	judge  judge
	least  *least
	sum    format.Summary
	at     binlog.Place // the file that is read
	past   bool         // the moment is passed
	want   binlog.GTIDs
	have   binlog.GTIDs                   // what the backup holds, and those of want that are done
	skip   bool                           // the backup holds the group already
	cause  []decided                      // of the group that is read
	second format.XAPhase                 // what the group is of an XA transaction
	parts  string                         // a table in it of whose JSON documents only parts are logged
	why    []lang.Msg                     // of what cannot be replayed in it
	open   map[string]*binlog.Transaction // XA transactions that are prepared
}

func (l *look) take(i *format.Item) error {
	switch i.What {
	case format.Begin:
		l.cause, l.why, l.parts = nil, nil, ""
		l.skip = i.Group.GTID.ID != "" && !l.q.Run.Done.Empty() && contains(l.q.Run.Done, i.Group.GTID.ID)
	case format.Statement:
		l.statement(i.Query)
	case format.Change:
		if m := i.Rows.Map; m.Schema == l.q.From && l.judge.inScope(m.Name) && i.Rows.InPart() {
			l.parts = m.Name
		}
	case format.End:
		l.second = i.Group.Phase
		if i.Group.Phase == format.XACommit && l.open[i.Group.XA] == nil {
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
	d, refusal := l.judge.statement(q)
	if !refusal.Empty() {
		l.why = append(l.why, refusal)
		return
	}
	if d.kind != foreign {
		l.cause = append(l.cause, d)
	}
}

// done takes the summary of a group.
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
	l.f.Transactions++
	if t.GTID != "" {
		if err := l.reach(t.GTID); err != nil {
			return err
		}
	}
	l.replayed(t)
	return nil
}

// reach takes in the id of a transaction that is done. Of a set of MariaDB's the very ids
// count: that others of the domain are later proves nothing.
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

// pass finds out whether a transaction lies after the moment.
func (l *look) pass(t *binlog.Transaction) {
	m := l.q.Moment
	if l.past {
		if !m.Time.IsZero() && t.Time.Before(m.Time.Add(-time.Second)) {
			l.f.Backwards = true
		}
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
	}
}

// found tells whether the moment lies within what was read.
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

// replayed adds up what a transaction does to the schema.
func (l *look) replayed(t *binlog.Transaction) {
	if l.parts != "" {
		l.f.InPart = l.parts
	}
	switch {
	case t.Unfinished:
		l.open[t.XA] = t
		return
	case l.second == format.XARollback:
		delete(l.open, t.XA)
		return
	case l.second == format.XACommit:
		if first := l.open[t.XA]; first != nil {
			delete(l.open, t.XA)
			t = first
		}
	}
	for _, d := range l.cause {
		l.cause1(d)
	}
	for _, why := range l.why {
		l.f.Refused = append(l.f.Refused, Refusal{ID: t.ID, Time: t.Time, Why: why})
	}
	ours, others := false, false
	for _, c := range t.Tables {
		if c.Schema != l.q.From || !l.judge.inScope(c.Table) {
			others = others || c.Schema != l.q.From
			continue
		}
		ours = true
		if !t.RolledBack {
			sumChange(&l.f.Tables, c)
			count(l.f.Rows, c.Table, c.Inserted-c.Deleted)
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

// unknown is for a statement that changes rows: triggers may change others than its own.
func unknown(rows map[string]int64) {
	for t := range rows {
		rows[t] = unknownRows
	}
}

// count follows how many rows a table has.
func count(rows map[string]int64, table string, more int64) {
	if n, there := rows[table]; there && n != unknownRows {
		rows[table] = n + more
	}
}

// after adds up what is lost.
func (l *look) after(t *binlog.Transaction) {
	ours := false
	for _, c := range t.Tables {
		if c.Schema == l.q.From && l.judge.inScope(c.Table) {
			sumChange(&l.f.After, c)
			ours = true
		}
	}
	if len(l.cause)+len(l.why) > 0 {
		l.f.AfterDDL++
		ours = true
	}
	if ours {
		l.f.AfterCount++
	}
}

func sumChange(list *[]binlog.TableChange, c binlog.TableChange) {
	at := slices.IndexFunc(*list, func(o binlog.TableChange) bool { return o.Table == c.Table })
	if at < 0 {
		*list = append(*list, c)
		return
	}
	o := &(*list)[at]
	o.Inserted, o.Updated, o.Deleted = o.Inserted+c.Inserted, o.Updated+c.Updated, o.Deleted+c.Deleted
}
