package changes

import (
	"context"
	"fmt"
	"slices"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/history"
)

// Later reads what happened to some tables after a transaction.
type Later struct {
	Database string
	Tables   []string
	// Rows is called with each row change of the tables, valid until it returns.
	Rows func(at Where, c binlog.RowChange) error
	// Done is called with each transaction that may have changed the tables, after its rows.
	Done func(t *binlog.Transaction) error
}

// Where is where a transaction begins in the log.
type Where struct{ at placed }

// FitIn compares a table at a place of the log with today's.
func (p *Past) FitIn(w Where, logged *binlog.Table) (*history.Fit, error) {
	return p.Timeline.Fit(p.before(w.at), logged)
}

// After reads the log after a transaction, in order. Rows of a transaction that has no end in
// the log are followed by no Done, and those of one that spans frames come more than once.
func (s *Source) After(ctx context.Context, id string, l Later) error {
	first, p, err := s.locate(ctx, id)
	if err != nil {
		return err
	}
	at := s.number(p)
	for number := at; number < len(s.pieces); number++ {
		from := uint64(0)
		if number == at {
			from = first.End
		}
		if err := s.afterIn(ctx, number, from, l); err != nil {
			return fmt.Errorf("%s: %w", s.pieces[number].Name, err)
		}
	}
	return nil
}

// afterIn reads what a piece has from a position on. The indexes tell which frames hold
// changes of the tables.
func (s *Source) afterIn(ctx context.Context, number int, from uint64, l Later) error {
	r, err := s.pieces[number].open()
	if err != nil {
		return err
	}
	defer r.Close()
	for _, frame := range r.Frames() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if frame.To <= from || !l.mayBeIn(&frame) {
			continue
		}
		one := reading{ctx: ctx, src: s, number: number, later: l, frame: frame}
		one.summary.Done = one.done
		one.summary.Wants = l.concerns
		if err := r.WalkTo(max(from, frame.Start()), frame.To, one.take); err != nil {
			return err
		}
	}
	return nil
}

func (l *Later) mayBeIn(f *binlog.Frame) bool {
	return slices.ContainsFunc(l.Tables, func(t string) bool {
		return f.Holds(binlog.Filter{Table: l.Database + "." + t})
	})
}

func (l *Later) concerns(t *binlog.Transaction) bool {
	return slices.ContainsFunc(l.Tables, func(name string) bool {
		return binlog.Filter{Table: l.Database + "." + name}.Takes(t)
	})
}

// reading reads the transactions that end in one frame.
type reading struct {
	ctx     context.Context
	src     *Source
	number  int // of the piece
	later   Later
	frame   binlog.Frame
	summary format.Summary
}

func (r *reading) take(i *format.Item) error {
	if i.What == format.Change {
		m := i.Rows.Map
		if m.Schema == r.later.Database && slices.Contains(r.later.Tables, m.Name) {
			at := Where{placed{r.number, i.Group.Pos}}
			err := i.Rows.Each(func(c binlog.RowChange) error { return r.later.Rows(at, c) })
			if err != nil {
				return err
			}
		}
	}
	return r.summary.Take(i)
}

func (r *reading) done(t *binlog.Transaction) error {
	if !r.later.concerns(t) {
		return nil
	}
	keep, err := r.src.settle(r.ctx, r.number, t)
	if err != nil {
		return err
	}
	t.RolledBack = t.RolledBack || !keep
	return r.later.Done(t)
}
