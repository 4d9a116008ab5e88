package binarchive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// sameFile reports whether a server's file is the one that a segment was copied from:
// after a reset there may be another file of the same name. It reads the file's first event
// and the last one that was copied: two files that were created within one second have the
// same first event.
func sameFile(ctx context.Context, t mysql.Target, s *binlog.Segment) (bool, error) {
	if s.Tail == nil || s.Tail.From == magicSize {
		h, err := headOf(ctx, t, s.File)
		return err == nil && h.identity == s.Identity, err
	}
	id := replicaID(fmt.Sprintf("the tail of a file, for %d at %d", os.Getpid(), time.Now().UnixNano()))
	stream, err := format.Dump(ctx, t, s.File, s.Tail.From, id, false)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	for {
		raw, err := stream.Next(ctx)
		switch {
		case errors.Is(err, io.EOF), noSuchPlace(err):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("the archived end of %s: %w", s.File, err)
		}
		e, err := format.ParseEvent(raw, nil)
		switch {
		case err != nil:
			return false, nil
		case e.Type == format.TypeFormat:
			if formatOf(e) != s.Identity {
				return false, nil
			}
		case e.Artificial(), e.Type == format.TypeHeartbeat, e.Type == format.TypeHeartbeatV2:
		default:
			return tailSum(raw) == s.Tail.Sum, nil
		}
	}
}

// noSuchPlace reports whether the server could not read its log at a position: no event
// begins there. The error of a replica that another one replaced has the same number.
func noSuchPlace(err error) bool {
	var refused *format.ServerError
	return errors.As(err, &refused) && refused.NotFound() && !strings.Contains(refused.Message, "server_id")
}

// magicSize is the position of a file's first event.
const magicSize = 4

// formatOf is the identity in a format; "" if it cannot be read.
func formatOf(e *format.Event) string {
	own, err := format.ParseFormat(e)
	if err != nil {
		return ""
	}
	return identityOf(e, own)
}

// head is the identity of a server's file, from its first event.
type head struct {
	identity string
	at       time.Time
}

func headOf(ctx context.Context, t mysql.Target, file string) (head, error) {
	id := replicaID(fmt.Sprintf("the head of a file, for %d", os.Getpid()))
	stream, err := format.Dump(ctx, t, file, 4, id, false)
	if err != nil {
		return head{}, err
	}
	defer stream.Close()
	for {
		raw, err := stream.Next(ctx)
		if err != nil {
			return head{}, fmt.Errorf("the head of %s: %w", file, err)
		}
		e, err := format.ParseEvent(raw, nil)
		if err != nil {
			return head{}, err
		}
		if e.Type != format.TypeFormat {
			continue
		}
		own, err := format.ParseFormat(e)
		if err != nil {
			return head{}, err
		}
		return head{identityOf(e, own), e.Time()}, nil
	}
}

// FirstAfter is when the first event was written that the server has after a segment's
// end; zero when it has none. It reads up to that event alone.
func FirstAfter(ctx context.Context, t mysql.Target, last *binlog.Segment) (time.Time, error) {
	file, pos := last.File, last.ToPos
	if !last.Open && last.Next != "" {
		file, pos = last.Next, 4
	}
	id := replicaID(fmt.Sprintf("what follows %s, for %d at %d", last.File, os.Getpid(), time.Now().UnixNano()))
	stream, err := format.Dump(ctx, t, file, pos, id, false)
	if err != nil {
		return time.Time{}, err
	}
	defer stream.Close()
	var known *format.Format
	for {
		raw, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			return time.Time{}, nil
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("what follows %s:%d: %w", file, pos, err)
		}
		e, err := format.ParseEvent(raw, known)
		switch {
		case err != nil:
			return time.Time{}, err
		case e.Type == format.TypeFormat: // told before every place, with the time of the file
			if known, err = format.ParseFormat(e); err != nil {
				return time.Time{}, err
			}
		case e.Type == format.TypeRotate && e.Artificial():
			known = nil
		case e.Artificial() || e.Timestamp == 0:
		default:
			return e.Committed(), nil
		}
	}
}

// Continues reports whether a server's log continues an archived file: the server still has
// that file, or has purged it and has the next one.
func Continues(ctx context.Context, t mysql.Target, server *format.Server, last *binlog.Segment) (bool, error) {
	log, here := server.Has(last.File)
	_, next := server.Has(last.Next)
	switch {
	case !here:
		return next, nil
	case log.Pos < last.ToPos, !last.Open && !next:
		return false, nil
	}
	return sameFile(ctx, t, last)
}

// GapAtServer is the gap after the archive's last file that can never be filled: the
// server purged those logs or reset them. nil is no gap.
func GapAtServer(
	ctx context.Context,
	t mysql.Target,
	server *format.Server,
	last *binlog.Segment,
) (*binlog.Gap, error) {
	continues, err := Continues(ctx, t, server, last)
	if err != nil || continues || len(server.Logs) == 0 {
		return nil, err
	}
	first, err := headOf(ctx, t, server.Logs[0].File)
	if err != nil {
		return nil, err
	}
	gap := &binlog.Gap{
		Server:   last.Server,
		FromFile: last.File,
		FromPos:  last.ToPos,
		FromTime: last.ToTime,
		ToFile:   server.Logs[0].File,
		ToPos:    4,
		ToTime:   first.at,
		Reason:   binlog.Missing,
	}
	_, here := server.Has(last.File)
	_, a, _ := binlog.Split(last.File)
	_, b, _ := binlog.Split(gap.ToFile)
	switch {
	case here || b <= a:
		gap.Reason = binlog.Reset
	case last.Open:
		gap.Reason = binlog.Cut
	}
	return gap, nil
}
