package changes

import (
	"encoding/hex"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// Query selects transactions.
type Query struct {
	binlog.Query
	// Now is today's definition of the key's table, for what the log omits.
	Now *schema.Table
}

// look builds summaries, and reads rows if the query has a key.
type look struct {
	q       Query
	summary format.Summary
	hit     bool
}

func newLook(q Query, done func(*binlog.Transaction) error) *look {
	l := &look{q: q}
	l.summary.Done = func(t *binlog.Transaction) error {
		if q.Key != nil && !l.hit {
			return nil
		}
		return done(t)
	}
	return l
}

func (l *look) take(i *format.Item) error {
	if i.What == format.Begin {
		l.hit = false
	}
	if l.q.Key != nil && i.What == format.Change && !l.hit && i.Rows.Map.Matches(l.q.Table) {
		if err := l.rows(i.Rows); err != nil {
			return err
		}
	}
	return l.summary.Take(i)
}

// rows searches the before and after images of a rows event for the key.
func (l *look) rows(r *format.Rows) error {
	table := r.Map.Table
	table.Columns = append([]binlog.Column(nil), table.Columns...)
	if l.q.Now != nil {
		if err := format.Know(&table, l.q.Now); err != nil {
			return nil // the table had another definition then: its key is unknown
		}
	}
	return r.Each(func(c binlog.RowChange) error {
		l.hit = l.hit || l.matches(&table, c.Before) || l.matches(&table, c.After)
		return nil
	})
}

func (l *look) matches(t *binlog.Table, values []binlog.Value) bool {
	if values == nil {
		return false
	}
	at := 0
	for i, c := range t.Columns {
		if !c.Key {
			continue
		}
		v := values[i]
		if l.q.Now != nil {
			v = format.Reread(v, c, *l.q.Now.Column(c.Name))
		}
		if at >= len(l.q.Key) || v.Absent || v.Null || keyText(v) != l.q.Key[at] {
			return false
		}
		at++
	}
	return at > 0 && at == len(l.q.Key)
}

// keyText is a value as a person types it in a key: bytes in hexadecimal.
func keyText(v binlog.Value) string {
	if v.Kind == binlog.Binary || v.Kind == binlog.Bits {
		return "0x" + hex.EncodeToString(v.Text)
	}
	return string(v.Text)
}
