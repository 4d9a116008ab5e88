package binarchive

import (
	"context"
	"fmt"
	"os"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// SameFile tells whether a server's file is the one that a segment was taken of: after a
// reset it may have another one of that name. It reads the file's first event alone.
func SameFile(ctx context.Context, t mysql.Target, s *binlog.Segment) (bool, error) {
	id := replicaID(fmt.Sprintf("the head of a file, for %d", os.Getpid()))
	stream, err := format.Dump(ctx, t, s.File, 4, id, false)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	for {
		raw, err := stream.Next(ctx)
		if err != nil {
			return false, fmt.Errorf("the head of %s: %w", s.File, err)
		}
		e, err := format.ParseEvent(raw, nil)
		if err != nil {
			return false, err
		}
		if e.Type != format.TypeFormat {
			continue
		}
		own, err := format.ParseFormat(e)
		return err == nil && identityOf(e, own) == s.Identity, err
	}
}
