package changes

import (
	"context"
	"errors"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// Query selects transactions.
type Query struct {
	binlog.Query
	// Now is today's definition of the key's table; nil if there is no such table any more.
	Now  *schema.Table
	past *Past // of the key's table
}

// Reasons why a row cannot be traced by its key.
var (
	ErrNoTable  = errors.New("there is no such table, and the log tells nothing of one")
	ErrNoKey    = errors.New("the table has no primary key")
	ErrKeyParts = errors.New("the key does not have as many values as the primary key has columns")
)

// traced completes a query that has a key.
func (s *Source) traced(ctx context.Context, q Query) (Query, error) {
	if q.Key == nil || q.past != nil {
		return q, nil
	}
	database, table, ok := binlog.SplitTable(q.Table)
	if !ok {
		database = q.Schema
	}
	past, err := s.Past(ctx, database, table, q.Now)
	if err != nil {
		return q, err
	}
	q.past = past
	if q.Now == nil && past.empty() {
		return q, ErrNoTable
	}
	switch {
	case past.MayHaveKeyOf(len(q.Key)):
		return q, nil
	case q.Now == nil || q.Now.KeyUnique == "PRIMARY":
		return q, ErrKeyParts
	default:
		return q, ErrNoKey
	}
}

// look builds summaries, and reads rows if the query has a key.
type look struct {
	q       Query
	piece   int // number of the piece that is read
	summary format.Summary
	hit     bool
	unsure  bool // a change of the table may be one of the row
	seen    map[seenAs]view
}

// seenAs is a table map after so many statements that concern the key's table.
type seenAs struct {
	logged     *format.TableMap
	statements int
}

func newLook(q Query, piece int, done func(*binlog.Transaction) error) *look {
	l := &look{q: q, piece: piece, seen: map[seenAs]view{}}
	l.summary.Wants = func(t *binlog.Transaction) bool {
		may, _ := l.mayBe(t)
		return may && q.Takes(t)
	}
	l.summary.Done = func(t *binlog.Transaction) error {
		may, unsure := l.mayBe(t)
		if !may {
			return nil
		}
		t.Unsure = t.Unsure || unsure
		return done(t)
	}
	return l
}

// mayBe reports whether a transaction that was read changed the row of the key, or may have;
// unsure if only may have. Without a key it is true for all.
func (l *look) mayBe(t *binlog.Transaction) (may, unsure bool) {
	if l.q.Key == nil || l.hit {
		return true, false
	}
	statements, definitions := l.q.Statements(t)
	return l.unsure || statements || definitions, l.unsure || statements
}

func (l *look) take(i *format.Item) error {
	if i.What == format.Begin {
		l.hit = false
		l.unsure = false
	}
	if l.q.Key != nil && i.What == format.Change && !l.hit && i.Rows.Map.Matches(l.q.Table) {
		if err := l.rows(i); err != nil {
			return err
		}
	}
	return l.summary.Take(i)
}

// rows searches the before and after images of a rows event for the key.
func (l *look) rows(i *format.Item) error {
	at := placed{l.piece, i.Group.Pos}
	as := seenAs{i.Rows.Map, l.q.past.before(at)}
	v, known := l.seen[as]
	if !known {
		v = l.q.past.view(at, &i.Rows.Map.Table)
		l.seen[as] = v
	}
	if v.key == nil {
		l.unsure = true
		return nil
	}
	return i.Rows.EachOf(v.key, func(c binlog.RowChange) error {
		l.hit = l.hit || v.matches(c.Before, l.q.Key) || v.matches(c.After, l.q.Key)
		return nil
	})
}
