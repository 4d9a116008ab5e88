// Package auditlog reads an audit table of a MySQL-compatible server: pages by
// key, the life of a resource, counts, exports. Reading is guarded: read-only
// transactions, a time limit on the server, an estimate before what could read
// much, one query at a time, and a cancel that ends the query there.
package auditlog

import (
	"context"
	"database/sql"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql"
)

// Options say which table and how gently to read it.
type Options struct {
	Target        mysql.Target // for messages; db is open already
	Schema, Table string
	Columns       map[string]string // field name: column name, over what is found
	Aliases       audit.Aliases
	MaxRows       int64          // a query that would read more needs leave
	Timeout       time.Duration  // of one query, on the server; 0 for none
	Zone          *time.Location // of the wall time in a DATETIME column; nil: the server's
	StateDir      string         // where the proof of order is kept; "" keeps none
	Clock         clock.Clock    // nil: the machine's
}

// Source is one audit table. Its methods may be called by several goroutines;
// their queries run one after the other.
type Source struct {
	lane  *lane   // where queries run
	r     *reader // what they read
	order *prover // how well ids follow time
	own   *sql.DB // the pool, where Dial made it
}

// Open looks at the table and the server and returns the source. The pool
// stays the caller's. Errors are *ops.Error.
func Open(ctx context.Context, db *sql.DB, o Options) (*Source, error) {
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 200_000
	}
	can := &ability{}
	l := newLane(db, &o, can)
	r := &reader{table: table{opt: &o, can: can}, sweepRows: sweepRows}
	if err := l.with(ctx, r.discover); err != nil {
		return nil, l.explain(err)
	}
	l.known = true
	return &Source{lane: l, r: r, order: newProver(l, r)}, nil
}

// Dial is Open with a pool of the source's own, to o.Target and o.Schema.
func Dial(ctx context.Context, o Options) (*Source, error) {
	db, err := mysql.Open(ctx, o.Target, o.Schema)
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, db, o)
	if err != nil {
		db.Close()
		return nil, err
	}
	s.own = db
	return s, nil
}

// Prove looks at the times of all rows that were not looked at yet, a chunk at
// a time with a pause between that is as long as share times the chunk took
// (0 for none), and keeps what it saw in the state folder. It may be
// interrupted; the next call goes on from there.
func (s *Source) Prove(ctx context.Context, share float64, report func(ops.Progress)) error {
	return s.order.Prove(ctx, share, report)
}

// Layout is what was found of the table.
func (s *Source) Layout() *audit.Layout { return s.r.layout }

// Notes tell what the server lacks and what that means.
func (s *Source) Notes() []lang.Msg {
	var out []lang.Msg
	if !s.r.can.readOnly {
		out = append(out, lang.M("the server does not support read-only transactions; opsdeck sends only SELECT"))
	}
	if s.r.can.limit == "" {
		out = append(out, lang.M("the server does not support time limits for queries; opsdeck cancels them itself"))
	}
	if s.r.can.explain == "" {
		out = append(out, lang.M("the server does not support EXPLAIN; how much a query reads is unknown beforehand"))
	}
	if s.r.layout.Trusted {
		out = append(out, lang.M("the server reports no unique index; the configuration says that %s is unique",
			s.r.layout.Column(audit.ID).Name))
	}
	if s.r.layout.Column(audit.CreatedAt).OnUpdate {
		out = append(out, lang.M("the column %s changes whenever a row is updated; times may not be those of the event",
			s.r.layout.Column(audit.CreatedAt).Name))
	}
	return out
}

// Close ends the source's own connections.
func (s *Source) Close() {
	s.lane.close()
	if s.own != nil {
		s.own.Close()
	}
}

// MaxRows is how many rows a query may read without leave.
func (s *Source) MaxRows() int64 { return s.r.opt.MaxRows }
