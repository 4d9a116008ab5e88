package rewind

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// A bare table has no key: a row is all its values, and equal rows cannot be told apart, nor
// need they be. Its changes are counted by value: each copy that was added or removed is an
// entry. Taking one away again deletes one row that has exactly these values.

// MostSought is how many rows of tables without a key a plan deletes at most: the server reads
// the whole table for each, and locks what it reads.
const MostSought = 1000

// ErrSought says that too many rows would have to be found in a table without a key.
var ErrSought = errors.New("too many rows of a table without a key would have to be found")

func noKey(t *table) error { return fmt.Errorf("%s: %w", t.SQLName(), binlog.ErrNoKey) }

// addBare counts a change of a table without a key: an update takes one row away and adds
// another.
func (e *entries) addBare(table int, before, after []binlog.Value) error {
	if before != nil {
		if err := e.count(table, before, -1); err != nil {
			return err
		}
	}
	if after == nil {
		return nil
	}
	return e.count(table, after, 1)
}

// count adds a copy of a row, or takes one away. Copies that were added are numbered 1, 2, …,
// those that were taken away -1, -2, …; one undoes the last of the other.
func (e *entries) count(table int, image []binlog.Value, by int32) error {
	key, err := e.tables[table].keyIn(nil, image)
	if err != nil {
		return err
	}
	was, number := e.recount(table, key, by)
	undoes := was != 0 && was > 0 != (by > 0)
	if undoes {
		number = was
	}
	i, known, err := e.find(table, key, number)
	if err == nil && !known {
		i, err = e.insert(table, key, number, image, by < 0)
	}
	if err != nil {
		return err
	}
	r := e.at(i)
	r.order = e.changes
	r.origin = -1
	r.before = none
	r.after = none
	switch {
	case undoes:
	case by > 0:
		r.after = r.key
	default:
		r.before = r.key
	}
	return nil
}

// recount adds to how many more copies of a row there are than before the first change, and
// returns that number before and after.
func (e *entries) recount(table int, key []byte, by int32) (was, now int32) {
	if e.copies == nil {
		e.copies = map[[2]uint64]int32{}
	}
	var h maphash.Hash
	h.SetSeed(e.seed)
	maphash.WriteComparable(&h, table)
	h.Write(key)
	sum := [2]uint64{e.hash(table, key, 0), h.Sum64()}
	was = e.copies[sum]
	e.copies[sum] = was + by
	return was, was + by
}

// sought refuses a plan that would search for too many rows.
func (p *Plan) sought() error {
	n := 0
	for _, i := range p.rows {
		e := p.entries.at(int(i))
		if e.copy == 0 || e.after == none {
			continue
		}
		if n++; n > MostSought {
			return fmt.Errorf("%s: %w", p.entries.tables[e.table].SQLName(), ErrSought)
		}
	}
	return nil
}

// equals is a condition that a row has exactly the values of an image.
func (t *table) equals(image []binlog.Value) string {
	all := make([]string, len(t.key))
	for n, i := range t.key {
		all[n] = format.Equals(t.Columns[i], image[i])
	}
	return strings.Join(all, " AND ")
}

// compareBare counts the rows that the plan deletes: the copy of a number is there when there
// are so many equal rows. A row that the plan inserts again is in nobody's way.
func (t *table) compareBare(ctx context.Context, c schema.Querier, rows []*Row, lock string) error {
	there := map[string]int32{}
	most := map[string]int32{}
	for _, r := range rows {
		if r.After != nil {
			key := t.keyOf(r.After)
			most[key] = max(most[key], r.copy)
		}
	}
	for _, r := range rows {
		r.Now = nil
		r.held = false
		r.State = binlog.Clean
		if r.After == nil {
			continue
		}
		key := t.keyOf(r.After)
		n, known := there[key]
		if !known {
			var err error
			if n, err = t.countEqual(ctx, c, r.After, most[key], lock); err != nil {
				return err
			}
			there[key] = n
		}
		if r.State = binlog.Gone; r.copy <= n {
			r.State = binlog.Clean
			r.Now = r.After
		}
	}
	return nil
}

// countEqual counts the rows that have the values of an image, up to a number.
func (t *table) countEqual(
	ctx context.Context,
	c schema.Querier,
	image []binlog.Value,
	most int32,
	lock string,
) (n int32, err error) {
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s LIMIT %d%s", t.columns(), t.SQLName(), t.equals(image), most, lock)
	err = t.scan(ctx, c, query, func(found []binlog.Value) error {
		if n++; t.differ(image, found, t.stored) {
			return fmt.Errorf("%w: its values cannot be searched for exactly", noKey(t))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", t.SQLName(), err)
	}
	return n, nil
}
