package rewind

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"opsdeck/ops/binlog"
)

// Back plans to take a run back by the changes that it did. shape is what their images
// mean; nil where that was not kept.
func Back(
	ctx context.Context,
	c *sql.Conn,
	database, id string,
	did Changes,
	shape Shape,
	at Place,
) (plan *Plan, err error) {
	if err := session(ctx, c); err != nil {
		return nil, err
	}
	txn := &binlog.Transaction{ID: id}
	err = did(func(r binlog.NetRow) error {
		txn.Count(database, r.Table).Add(r.Turned().Undo(), 1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(txn.Tables) == 0 {
		return nil, ErrNothing
	}
	p, err := newPlan(txn, database, at)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := p.readTables(ctx, c, ""); err != nil {
		return nil, err
	}
	places, err := reshape(p, shape)
	if err != nil {
		return nil, err
	}
	p.changes = func(ctx context.Context, take changed) error {
		return did(func(r binlog.NetRow) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			t := p.tables[r.Table]
			if t == nil {
				return fmt.Errorf("%s: %w", r.Table, ErrInverse)
			}
			before := reshaped(r.Before, places[r.Table], len(t.Columns))
			after := reshaped(r.After, places[r.Table], len(t.Columns))
			for _, image := range [][]binlog.Value{before, after} {
				if image != nil && len(image) != len(t.Columns) {
					return fmt.Errorf("%s: %w", r.Table, binlog.ErrNoKey)
				}
			}
			return take(t, before, after)
		})
	}
	return p, p.sumUp(ctx, c)
}
