package changes

import (
	"encoding/hex"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// Query is what is looked for.
type Query struct {
	binlog.Query
	// Now is the table of a key as it is today, which says what the log leaves out.
	Now *schema.Table
}

// look makes summaries, and looks at rows when a key is asked for.
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

// rows looks for the key in a rows event, before or after.
func (l *look) rows(r *format.Rows) error {
	table := r.Map.Table
	table.Columns = append([]binlog.Column(nil), table.Columns...)
	if l.q.Now != nil {
		if err := format.Know(&table, l.q.Now); err != nil {
			return nil // the table was another one then: its key is not known
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

// keyText is a value as a person writes it in a key: bytes in hexadecimal.
func keyText(v binlog.Value) string {
	if v.Kind == binlog.Binary || v.Kind == binlog.Bits {
		return "0x" + hex.EncodeToString(v.Text)
	}
	return string(v.Text)
}
