package main

import (
	"context"
	"errors"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/watch"
)

// surviving runs a reading of the server that the server may not survive: not at all
// where a table is known to end it, and not again by itself where it has just ended.
func (sh *shelf) surviving(ctx context.Context, target mysql.Target, databases []string, read func() error) error {
	server := &swap.Server{Target: target, Marks: deadlyPath(sh.state)}
	defer server.Close()
	for _, in := range databases {
		names, err := server.MarkedIn(ctx, in)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return watch.Final(deadlyTables(names))
		}
	}
	after, err := server.Watch(ctx)
	if err != nil {
		return err
	}
	if err = after(read()); errors.Is(err, swap.ErrEnded) {
		return watch.Final(err)
	}
	return err
}
