package changes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// Statements calls take with the steps, but for rows, of the transactions that hold statements, from a
// place on, and file with the format of each file that begins after it. Parts with rows alone are not
// unpacked, but for while all says so. An item has no event. It
// stops after about most bytes of log; end is the place up to which it looked, and more
// tells that the run goes on there.
func (r *Run) Statements(
	ctx context.Context,
	from binlog.Place,
	most int64,
	all func() bool,
	file func(binlog.Place, *format.Format) error,
	take func(*format.Item) error,
) (end binlog.Place, more bool, err error) {
	i := slices.IndexFunc(r.pieces, func(p piece) bool { return holds(p, from) && p.FromPos <= from.Pos })
	if i < 0 {
		return from, false, fmt.Errorf("%w: %s", ErrNoStart, from.Position)
	}
	end = from
	for n, p := range r.pieces[i:] {
		if n > 0 {
			end = place(p, p.FromPos)
		}
		if more, err = statementsOf(ctx, p, &end, &most, all, file, take); err != nil || more {
			return end, more, err
		}
	}
	return end, false, nil
}

// statementsOf reads one file from a place on, and moves the place forward.
func statementsOf(
	ctx context.Context,
	p piece,
	at *binlog.Place,
	most *int64,
	all func() bool,
	file func(binlog.Place, *format.Format) error,
	take func(*format.Item) error,
) (more bool, err error) {
	r, err := p.open()
	if err != nil {
		return false, err
	}
	defer r.Close()
	frames := slices.DeleteFunc(slices.Clone(r.Frames()), func(f binlog.Frame) bool { return f.To <= at.Pos })
	if at.Pos == p.FromPos && len(frames) > 0 {
		f, err := r.Format()
		if err == nil {
			err = file(*at, f)
		}
		if err != nil {
			return false, err
		}
	}
	for _, f := range frames {
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case *most <= 0:
			return true, nil
		}
		if f.DDL || f.Other || f.Unread != "" || all() {
			*most -= f.RawBytes
			if err := groupsEnding(r, f, at.Pos, take); err != nil {
				return false, fmt.Errorf("%s: %w", p.Name, err)
			}
		}
		at.Pos = f.To
	}
	return false, nil
}

// groupsEnding passes on the groups that end in a frame, after a position.
func groupsEnding(r *binarchive.Reader, f binlog.Frame, after uint64, take func(*format.Item) error) error {
	var group []*format.Item
	err := r.Walk(f.Start(), func(i *format.Item) error {
		if i.What == format.Begin {
			group = nil
		}
		if i.What != format.Change {
			group = append(group, kept(i))
		}
		if i.What != format.End {
			return nil
		}
		if g := i.Group; g.End > f.From && g.End <= f.To && g.Pos >= after {
			for _, item := range group {
				if err := take(item); err != nil {
					return err
				}
			}
		}
		if i.Group.End >= f.To {
			return binarchive.ErrEnough
		}
		return nil
	})
	if errors.Is(err, binarchive.ErrEnough) {
		return nil
	}
	return err
}

// kept is a copy of an item that stays valid, without its event.
func kept(i *format.Item) *format.Item {
	own := &format.Item{What: i.What, Group: i.Group, Text: slices.Clone(i.Text)}
	if i.Query != nil {
		q := *i.Query
		q.SQL = slices.Clone(q.SQL)
		own.Query = &q
	}
	return own
}
