package rewind

import (
	"context"
	"regexp"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/history"
)

// Changer is the newest transaction that changed a row after those of a plan.
type Changer struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Thread uint32    `json:"thread"`
	Query  string    `json:"query"` // its first statement; "" where the server does not log it
	// Unsure tells that the transaction changed the table, and perhaps this row: the log
	// has statements in place of its rows, or does not tell which row they are.
	Unsure bool `json:"unsure"`
}

// Later tells who changed the rows of a plan that are not as it left them.
type Later struct {
	plan  *Plan
	rows  map[int]changer // by entry
	doubt map[string]changer
	at    changes.Where // the transaction being read
	hits  []int         // entries that it changed
	vague []string      // tables of which it changed rows that are not known
	fits  map[*binlog.Table]*history.Fit
	txns  []string // those of the plan
	n     int
}

// changer is a transaction and its place among those that were read.
type changer struct {
	txn *binlog.Transaction
	n   int
}

// takesRows finds definitions that take rows of a table away, or give it others.
var takesRows = regexp.MustCompile(`(?is)^(?:\s|/\*.*?\*/)*(?:TRUNCATE|RENAME|DROP)\b|\bPARTITION\b|\bRENAME\s+TO\b`)

// FindLater reads the log after a plan's transactions for changes of the rows that are in
// conflict. A plan made of an inverse has no transactions, and finds nothing.
func FindLater(ctx context.Context, p *Plan) (*Later, error) {
	l := &Later{plan: p, rows: map[int]changer{}, doubt: map[string]changer{}, fits: map[*binlog.Table]*history.Fit{}}
	var tables []string
	for _, i := range p.rows {
		e := p.entries.at(int(i))
		if t := p.entries.tables[e.table]; e.state != 0 && !t.bare && !slices.Contains(tables, t.Name) {
			tables = append(tables, t.Name)
		}
	}
	if len(tables) == 0 || p.source == nil {
		return l, nil
	}
	for _, t := range p.Txns {
		l.txns = append(l.txns, t.ID)
	}
	return l, p.source.After(ctx, l.txns[0], changes.Later{
		Database: p.Database,
		Tables:   tables,
		Rows:     l.row,
		Done:     l.done,
	})
}

// By is who changed a row of the plan last; nil for a row that is as the plan's transactions
// left it, and if the log does not tell.
func (l *Later) By(r *Row) *Changer {
	if r.State == binlog.Clean || l.plan.tables[r.Table].bare {
		return nil
	}
	c := l.rows[r.at]
	unsure := false
	if d := l.doubt[r.Table]; d.n > c.n {
		c = d
		unsure = true
	}
	if c.txn == nil {
		return nil
	}
	return &Changer{ID: c.txn.ID, Time: c.txn.Time, Thread: c.txn.Thread, Query: c.txn.Query, Unsure: unsure}
}

// row notes the entries of the keys that a change had before and after.
func (l *Later) row(at changes.Where, c binlog.RowChange) error {
	if at != l.at {
		l.begin(at)
	}
	t := l.plan.tables[c.Table.Name]
	fit, known := l.fits[c.Table]
	if !known {
		fit, _ = t.past.FitIn(at, c.Table)
		if fit != nil && slices.ContainsFunc(t.key, func(i int) bool { return !fit.Has(i) }) {
			fit = nil
		}
		l.fits[c.Table] = fit
	}
	if fit == nil {
		l.isVague(t)
		return nil
	}
	for _, logged := range [][]binlog.Value{c.Before, c.After} {
		if logged == nil {
			continue
		}
		image, err := fit.Image(nil, logged)
		if err != nil {
			l.isVague(t)
			continue
		}
		if err := l.hit(t, image); err != nil {
			return err
		}
	}
	return nil
}

// hit notes the entry of an image's key. An image without a key (binlog_row_image) is no
// doubt: the other one has it.
func (l *Later) hit(t *table, image []binlog.Value) error {
	key, err := t.keyIn(nil, image)
	if err != nil {
		return nil
	}
	i, ok, err := l.plan.entries.find(l.plan.entries.number(t), key, 0)
	if ok {
		l.hits = append(l.hits, i)
	}
	return err
}

func (l *Later) isVague(t *table) {
	if !slices.Contains(l.vague, t.Name) {
		l.vague = append(l.vague, t.Name)
	}
}

// done takes the notes of a transaction over.
func (l *Later) done(t *binlog.Transaction) error {
	defer l.begin(changes.Where{})
	if t.RolledBack || slices.Contains(l.txns, t.ID) {
		return nil
	}
	l.n++
	now := changer{t, l.n}
	for _, i := range l.hits {
		l.rows[i] = now
	}
	for _, table := range l.vague {
		l.doubt[table] = now
	}
	if len(t.DDL)+len(t.Other) == 0 {
		return nil
	}
	told := binlog.Transaction{Other: t.Other}
	for _, s := range t.DDL {
		if takesRows.MatchString(s.SQL) {
			told.DDL = append(told.DDL, s)
		}
	}
	for name := range l.plan.tables {
		f := binlog.Filter{Table: l.plan.Database + "." + name}
		if statements, definitions := f.Statements(&told); statements || definitions {
			l.doubt[name] = now
		}
	}
	return nil
}

// begin forgets what was read of another transaction.
func (l *Later) begin(at changes.Where) {
	l.at = at
	l.hits = l.hits[:0]
	l.vague = l.vague[:0]
	clear(l.fits)
}
