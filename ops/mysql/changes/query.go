package changes

import (
	"context"
	"errors"
	"slices"

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
	seen    map[*format.TableMap]view
}

func newLook(q Query, piece int, done func(*binlog.Transaction) error) *look {
	l := &look{q: q, piece: piece}
	l.summary.Wants = q.Takes
	l.summary.Done = func(t *binlog.Transaction) error {
		if q.Key != nil && !l.hit {
			statements, definitions := q.Statements(t)
			if !l.unsure && !statements && !definitions {
				return nil
			}
			t.Unsure = l.unsure || statements
		}
		return done(t)
	}
	return l
}

func (l *look) take(i *format.Item) error {
	if i.What == format.Begin {
		l.hit = false
		l.unsure = false
		l.seen = nil
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
	v, known := l.seen[i.Rows.Map]
	if !known {
		v = l.q.past.view(placed{l.piece, i.Group.Pos}, &i.Rows.Map.Table)
		if l.seen == nil {
			l.seen = map[*format.TableMap]view{}
		}
		l.seen[i.Rows.Map] = v
	}
	if v.key == nil {
		l.unsure = true
		return nil
	}
	wanted := slices.Clone(v.key)
	return i.Rows.EachOf(wanted, func(c binlog.RowChange) error {
		l.hit = l.hit || v.matches(c.Before, l.q.Key) || v.matches(c.After, l.q.Key)
		return nil
	})
}
