package rewind

import (
	"context"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/schema"
)

// all compares every row.
func all(*entry) bool { return true }

// absent tells whether a row is put in again as a whole: that it is not there is proved
// by putting it in.
func (e *entry) absent() bool { return e.state == 0 && e.after == none && e.now == none }

// compareRows is how many rows one question asks for, and compareBytes about how long they
// are.
const (
	compareRows  = 2000
	compareBytes = 4 << 20
)

// portions collects rows of a table until there are enough for one question.
type portions struct {
	tables []*table
	some   [][]*Row
	bytes  []int
	full   func(t *table, rows []*Row) error
}

func (p *Plan) portions(full func(*table, []*Row) error) *portions {
	n := len(p.entries.tables)
	return &portions{tables: p.entries.tables, some: make([][]*Row, n), bytes: make([]int, n), full: full}
}

func (q *portions) add(table int, r *Row) error {
	q.some[table] = append(q.some[table], r)
	q.bytes[table] += weight(r.Before) + weight(r.After) + weight(r.Now)
	if len(q.some[table]) < compareRows && q.bytes[table] < compareBytes {
		return nil
	}
	return q.flush(table)
}

func (q *portions) flush(table int) error {
	rows := q.some[table]
	q.some[table] = rows[:0]
	q.bytes[table] = 0
	if len(rows) == 0 {
		return nil
	}
	return q.full(q.tables[table], rows)
}

// end gives the rows that are left.
func (q *portions) end() error {
	for table := range q.tables {
		if err := q.flush(table); err != nil {
			return err
		}
	}
	return nil
}

// inPortions calls full with the rows of the chosen entries, some of a table at once.
func (p *Plan) inPortions(which func(*entry) bool, full func(*table, []*Row) error) error {
	q := p.portions(full)
	for _, i := range p.rows {
		e := p.entries.at(int(i))
		if !which(e) {
			continue
		}
		r, err := p.load(int(i))
		if err == nil {
			err = q.add(int(e.table), r)
		}
		if err != nil {
			return err
		}
	}
	return q.end()
}

// compare reads the rows that it is told to as they are now.
func (p *Plan) compare(ctx context.Context, c schema.Querier, which func(*entry) bool, lock string) error {
	n := 0
	for _, i := range p.rows {
		if which(p.entries.at(int(i))) {
			n++
		}
	}
	told := p.begin("compare", int64(n))
	return p.inPortions(which, func(t *table, rows []*Row) error {
		if err := t.compare(ctx, c, rows, lock); err != nil {
			return err
		}
		told.add(len(rows))
		for _, r := range rows {
			if err := p.store(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// compare reads rows of one table as they are now.
func (t *table) compare(ctx context.Context, c schema.Querier, rows []*Row, lock string) error {
	if t.bare {
		return t.compareBare(ctx, c, rows, lock)
	}
	found, err := t.read(ctx, c, rows, lock)
	if err != nil {
		return err
	}
	for _, r := range rows {
		r.Now = nil
		r.held = false
		if len(found) > 0 {
			r.Now = found[t.keyOf(r.there())]
		}
		r.State = r.Compare(r.Now, t.same)
		if r.Mixed && r.State == binlog.Clean {
			r.State = binlog.Changed
		}
		r.knowExact()
	}
	return nil
}

// knowExact takes over from the log what the text of a JSON document does not tell: the
// document is the same.
func (r *Row) knowExact() {
	if r.Now == nil {
		return
	}
	for i, v := range r.After {
		if v.Exact != nil && string(v.Text) == string(r.Now[i].Text) {
			r.Now[i].Exact = v.Exact
		}
	}
}
