package changes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
)

// spot is a frame that may hold a large transaction.
type spot struct {
	piece  piece
	number int // of the piece
	frame  binlog.Frame
	most   int64 // rows of its largest transaction, as far as the index tells
}

// largest calls take with the transactions that changed most rows. The indexes tell which
// frames can hold one, and only those are unpacked. The error of a damaged file comes at the
// end, as of List.
func (s *Source) largest(ctx context.Context, q Query, take func(*binlog.Transaction) error) error {
	spots, damaged, err := s.spots(ctx, q)
	if err != nil {
		return err
	}
	var found []*binlog.Transaction
	for _, at := range spots {
		if q.Limit > 0 && len(found) == q.Limit && q.Rank(found[q.Limit-1]) >= at.most {
			break
		}
		more, err := at.read(ctx, q)
		if err == nil {
			more, err = s.settled(ctx, at.number, more)
		}
		if errors.Is(err, binarchive.ErrDamaged) {
			damaged = cmp.Or(damaged, err)
			continue
		}
		if err != nil {
			return err
		}
		slices.Reverse(more) // newest first among equals
		found = append(found, more...)
		slices.SortStableFunc(found, func(a, b *binlog.Transaction) int { return heavier(q, a, b) })
		if q.Limit > 0 && len(found) > q.Limit {
			found = found[:q.Limit]
		}
	}
	for _, t := range found {
		if err := take(t); err != nil {
			return err
		}
	}
	return damaged
}

// heavier orders by rows, those that the log does not tell first, then by time, newest first.
func heavier(q Query, a, b *binlog.Transaction) int {
	return cmp.Or(cmp.Compare(q.Rank(b), q.Rank(a)), b.Time.Compare(a.Time))
}

// spots are the frames that a query must read, the one with the largest transaction first, and
// the first error of a damaged file.
func (s *Source) spots(ctx context.Context, q Query) (spots []spot, damaged, err error) {
	for _, p := range slices.Backward(s.pieces) {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if !q.Since.IsZero() && p.ToTime.Before(q.Since) || !q.Until.IsZero() && p.FromTime.After(q.Until) {
			continue
		}
		r, err := p.open()
		if errors.Is(err, binarchive.ErrDamaged) {
			damaged = cmp.Or(damaged, err)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, f := range slices.Backward(r.Frames()) {
			if !f.Holds(q.Filter) || !q.Until.IsZero() && !f.FromTime.Before(q.Until.Add(time.Second)) {
				continue
			}
			most := f.Largest
			if f.Unread != "" || f.Other {
				most = math.MaxInt64
			}
			spots = append(spots, spot{p, s.number(p), f, most})
		}
		r.Close()
	}
	slices.SortStableFunc(spots, func(a, b spot) int { return cmp.Compare(b.most, a.most) })
	return spots, damaged, nil
}

// settled are the transactions of a piece without XA transactions that were rolled back.
func (s *Source) settled(
	ctx context.Context,
	number int,
	found []*binlog.Transaction,
) (kept []*binlog.Transaction, err error) {
	for _, t := range found {
		keep, err := s.settle(ctx, number, t)
		if err != nil {
			return nil, err
		}
		if keep {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

func (at spot) read(ctx context.Context, q Query) ([]*binlog.Transaction, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := at.piece.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return endingIn(r, at, q)
}

func endingIn(r *binarchive.Reader, at spot, q Query) ([]*binlog.Transaction, error) {
	found, err := ending(r, at.number, at.frame, q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at.piece.Name, err)
	}
	return found, nil
}
