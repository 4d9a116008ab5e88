package rewind

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"opsdeck/ops/binlog"
)

// steps are the single changes of a plan in the order in which they were done, with their
// images in a file. Taken back in the opposite order they lead over states that the keys
// allowed: rows exchange unique values, and numbers are shifted, as they did then.
type steps struct {
	spool *spool
	plan  *Plan
	all   [][]step
	n     int
}

// step is one change: its images' places.
type step struct {
	table         uint16
	before, after int64
}

// Close gives the file back.
func (s *steps) Close() error {
	if s == nil {
		return nil
	}
	return s.spool.Close()
}

// errAdded says that a column that was added since is not in the images.
var errAdded = errors.New("a column was added since")

// readSteps reads the plan's changes once more, each by itself.
func (p *Plan) readSteps(ctx context.Context) (s *steps, err error) {
	s = &steps{plan: p}
	if s.spool, err = newSpool(p.dir); err != nil {
		return nil, err
	}
	told := p.begin("read", p.total())
	err = p.changes(ctx, func(t *table, before, after []binlog.Value) error {
		told.add(1)
		for _, image := range [][]binlog.Value{before, after} {
			for _, i := range t.stored {
				if image != nil && image[i].Absent {
					return fmt.Errorf("%s.%s: %w", t.Name, t.Columns[i].Name, errAdded)
				}
			}
		}
		if t.bare && before != nil && after != nil {
			return errors.Join(s.add(t, before, nil), s.add(t, nil, after))
		}
		return s.add(t, before, after)
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *steps) add(t *table, before, after []binlog.Value) (err error) {
	one := step{table: uint16(s.plan.entries.number(t))}
	if one.before, err = s.spool.put(before); err != nil {
		return err
	}
	if one.after, err = s.spool.put(after); err != nil {
		return err
	}
	if s.n>>chunkBits == len(s.all) {
		s.all = append(s.all, make([]step, 0, 1<<chunkBits))
	}
	last := &s.all[len(s.all)-1]
	*last = append(*last, one)
	s.n++
	return nil
}

// each calls take with the changes, the last first, as rows that are to be taken back.
func (s *steps) each(take func(t *table, r *Row) error) error {
	for i := s.n - 1; i >= 0; i-- {
		one := s.all[i>>chunkBits][i&(1<<chunkBits-1)]
		t := s.plan.entries.tables[one.table]
		r := &Row{State: binlog.Clean}
		r.Table = t.Name
		var err error
		if r.After, err = s.spool.get(one.after); err != nil {
			return err
		}
		if r.Before, err = s.spool.get(one.before); err != nil {
			return err
		}
		r.Now = r.After
		if err := take(t, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *steps) batches(take func(*batch) error) error {
	j := joiner{take: take}
	if err := s.each(func(t *table, r *Row) error { return j.add(t, r.Undo(), r) }); err != nil {
		return err
	}
	return j.end()
}

// did are the changes of a run that went back by the steps.
func (s *steps) did(take func(binlog.NetRow) error) error {
	return s.each(func(_ *table, r *Row) error { return take(r.Turned()) })
}

// goBack takes the plan's changes back one by one.
func (p *Plan) goBack(ctx context.Context, tx *sql.Tx, done *Done) (*steps, error) {
	s, err := p.readSteps(ctx)
	if err != nil {
		return nil, err
	}
	return s, p.do(ctx, tx, done, s.batches)
}
