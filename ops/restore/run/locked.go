package run

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
)

// Locks takes the write locks of the live tables.
type Locks interface {
	// Locked runs do while nobody else has a transaction open on the live tables. HeldError
	// where somebody's does not end in time; ErrNoLocks where they cannot be locked.
	Locked(ctx context.Context, p *restore.Plan, wait time.Duration, do func(context.Context) error) error
}

// HeldError says who has a transaction open on the live tables.
type HeldError struct {
	Text     lang.Msg
	Sessions []restore.Session // those that this user can see
}

func (e *HeldError) Error() string { return e.Text.String() }

// ErrNoLocks says that the tables cannot be locked: whether a transaction is open on them is
// unknown.
var ErrNoLocks = errors.New("the tables cannot be locked")

// Guard returns a look, which is asked while nobody can write to the live tables; its error
// ends the swap before a table moved.
type Guard func(context.Context) (look func(context.Context) error, err error)

// WrittenError ends a swap whose live tables were written to after their backup.
type WrittenError struct{ Writes Writes }

func (e *WrittenError) Error() string { return "the live tables were written to after their backup" }

// locked runs do with the locks of the live tables; without, where they cannot be had.
func (c *Crew) locked(ctx context.Context, p *restore.Plan, wait time.Duration, do func(context.Context) error) error {
	if c.Database.Locks == nil {
		return do(ctx)
	}
	done := false
	err := c.Database.Locks.Locked(ctx, p, wait, func(ctx context.Context) error {
		done = true
		return do(ctx)
	})
	if errors.Is(err, ErrNoLocks) && !done {
		return do(ctx)
	}
	return err
}

// free is an event of KindFound while somebody has a transaction open on the live tables. Its
// notes say so where that is unknown.
func (c *Crew) free(ctx context.Context, p *restore.Plan) (restore.Event, error) {
	if c.Database.Locks == nil {
		return restore.Event{}, nil
	}
	err := c.Database.Locks.Locked(ctx, p, c.quietFor(), func(context.Context) error { return nil })
	if errors.Is(err, ErrNoLocks) {
		return restore.Event{Notes: []restore.Note{restore.N(lang.M(
				"the tables of %s cannot be locked: whether a transaction is open on them is unknown",
				p.Target.Live))}},
			nil
	}
	if held := (*HeldError)(nil); errors.As(err, &held) {
		sessions := append([]restore.Session{}, held.Sessions...)
		return restore.Event{Kind: restore.KindFound, Notes: []restore.Note{restore.N(held.Text)},
			Data: &restore.Data{Sessions: sessions}}, nil
	}
	return restore.Event{}, err
}
