// Package changes reads the binary log as transactions: what happened, when, to which
// rows, from the archive and from what the server has beyond it.
package changes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lock"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// mostLive is how many bytes of a server's log are read from the server at most; what
// is older is the archive's. It can be changed for tests.
var mostLive uint64 = 4 << 30

// Source is all of the log that can be read.
type Source struct {
	pieces []piece // oldest first
	live   string  // the temporary folder of what the server has beyond the archive
	// LiveErr is why the server's own part is not there; nil when it is.
	LiveErr error
	server  *format.Server // the live one; nil when it could not be asked
	unread  []string       // files of the live one that are too much to be read from it
	found   sync.Map       // transactions that were looked for, by their ids
}

// piece is one log file, and who opens it.
type piece struct {
	*binlog.Segment
	folder binarchive.Folder
	keys   []age.Identity
}

func (p piece) open() (*binarchive.Reader, error) { return p.folder.Open(p.Segment, p.keys) }

// Open gathers the archive's files and fetches what the server has beyond them into a
// temporary folder, encrypted to a key that is never written. Close removes it.
func Open(ctx context.Context, folder binarchive.Folder, keys []age.Identity, target mysql.Target) (*Source, error) {
	return open(ctx, folder, keys, target, nil)
}

// OpenArchive gathers the archive's files alone, and asks no server.
func OpenArchive(folder binarchive.Folder, keys []age.Identity) (*Source, error) {
	return archived(folder, keys)
}

// OpenUpTo is Open for what lies before a place: no more than that is fetched.
func OpenUpTo(
	ctx context.Context,
	folder binarchive.Folder,
	keys []age.Identity,
	target mysql.Target,
	end binlog.Place,
) (*Source, error) {
	return open(ctx, folder, keys, target, &end)
}

func open(
	ctx context.Context,
	folder binarchive.Folder,
	keys []age.Identity,
	target mysql.Target,
	end *binlog.Place,
) (*Source, error) {
	s, err := archived(folder, keys)
	if err != nil {
		return nil, err
	}
	if end != nil && s.reaches(*end) {
		return s, nil
	}
	s.LiveErr = s.beyond(ctx, target, end)
	if s.LiveErr != nil && ctx.Err() != nil {
		s.Close()
		return nil, ctx.Err()
	}
	return s, nil
}

// archived gathers the archive's files alone.
func archived(folder binarchive.Folder, keys []age.Identity) (*Source, error) {
	s := &Source{}
	servers, err := folder.Servers()
	if err != nil {
		return nil, err
	}
	var groups [][]piece
	for _, id := range servers {
		segments, err := folder.Segments(id)
		if err != nil {
			return nil, err
		}
		var group []piece
		for _, seg := range segments {
			group = append(group, piece{seg, folder, keys})
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
	}
	slices.SortStableFunc(groups, func(a, b []piece) int { return newest(a).Compare(newest(b)) })
	for _, g := range groups {
		s.pieces = append(s.pieces, g...)
	}
	return s, nil
}

func newest(group []piece) (at time.Time) {
	for _, p := range group {
		if p.ToTime.After(at) {
			at = p.ToTime
		}
	}
	return at
}

// Empty tells whether there is nothing to read at all.
func (s *Source) Empty() bool { return len(s.pieces) == 0 }

// Close removes what was fetched.
func (s *Source) Close() error {
	if s.live == "" {
		return nil
	}
	return os.RemoveAll(s.live)
}

// beyond fetches what the archive lacks of the server's log.
func (s *Source) beyond(ctx context.Context, target mysql.Target, end *binlog.Place) error {
	server, err := format.Ask(ctx, target)
	if err != nil {
		return err
	}
	s.server = server
	if !server.Logging {
		return binarchive.ErrLogOff
	}
	start, whole, err := s.start(ctx, target, server)
	if err != nil {
		return err
	}
	if whole {
		return nil
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	if s.live, err = os.MkdirTemp("", "opsdeck-binlog-"); err != nil {
		return err
	}
	folder := binarchive.Folder{Dir: s.live}
	keys := []age.Identity{key}
	o := binarchive.Options{Target: target, Folder: folder, Recipients: []string{key.Recipient().String()}, Keys: keys,
		Start: start, Who: lock.Holder{What: "audit changes"}}
	if end != nil {
		o.Stop = &end.Position
	}
	if _, err = binarchive.Run(ctx, o); err != nil {
		return err
	}
	segments, err := folder.Segments(server.ID)
	if err != nil {
		return err
	}
	epoch := s.epochOf(server, segments, start)
	for _, seg := range segments {
		seg.Epoch += epoch
		s.pieces = slices.DeleteFunc(s.pieces, func(p piece) bool {
			return p.Server == seg.Server && p.File == seg.File && p.Identity == seg.Identity
		})
		s.pieces = append(s.pieces, piece{seg, folder, keys})
	}
	return nil
}

// start is the server's file from which on the archive is not enough; whole says that
// it is.
func (s *Source) start(
	ctx context.Context,
	target mysql.Target,
	server *format.Server,
) (file string, whole bool, err error) {
	if last := s.lastOf(server.ID); last != nil {
		same, err := s.goesOn(ctx, target, last)
		switch {
		case err != nil:
			return "", false, err
		case same && last.File == server.Now.File && last.ToPos == server.Now.Pos:
			return "", true, nil
		case same && last.Open:
			return last.File, false, nil
		case same:
			return last.Next, false, nil
		}
	}
	size := uint64(0)
	for _, l := range slices.Backward(server.Logs) {
		if size += l.Pos; size > mostLive && file != "" {
			s.unread = append(s.unread, l.File)
			continue
		}
		file = l.File
	}
	return file, false, nil
}

// lastOf is the newest file of a server in the archive; nil when there is none.
func (s *Source) lastOf(server string) *binlog.Segment {
	for _, p := range slices.Backward(s.pieces) {
		if p.Server == server {
			return p.Segment
		}
	}
	return nil
}

// goesOn tells whether the server's log goes on with a file of the archive.
func (s *Source) goesOn(ctx context.Context, target mysql.Target, last *binlog.Segment) (bool, error) {
	return binarchive.GoesOn(ctx, target, s.server, last)
}

// ErrNotFound says that no transaction has an id.
var ErrNotFound = errors.New("no such transaction in the binary log")

// List calls take with the transactions that a query takes, the newest first, until
// the limit is reached.
func (s *Source) List(ctx context.Context, q Query, take func(*binlog.Transaction) error) error {
	if q.Largest {
		return s.largest(ctx, q, take)
	}
	left := q.Limit
	for _, p := range slices.Backward(s.pieces) {
		if !q.Since.IsZero() && p.ToTime.Before(q.Since) || !q.Until.IsZero() && p.FromTime.After(q.Until) {
			continue
		}
		if err := s.listPiece(ctx, p, q, &left, take); err != nil {
			return err
		}
		if q.Limit > 0 && left <= 0 {
			return nil
		}
	}
	return nil
}

func (s *Source) listPiece(
	ctx context.Context,
	p piece,
	q Query,
	left *int,
	take func(*binlog.Transaction) error,
) error {
	r, err := p.open()
	if err != nil {
		return err
	}
	defer r.Close()
	for _, f := range slices.Backward(r.Frames()) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !f.Holds(q.Filter) || !q.Until.IsZero() && !f.FromTime.Before(q.Until.Add(time.Second)) {
			continue
		}
		found, err := ending(r, f, q)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		for _, t := range slices.Backward(found) {
			if err := take(t); err != nil {
				return err
			}
			if *left--; q.Limit > 0 && *left <= 0 {
				return nil
			}
		}
	}
	return nil
}

// ending are the transactions that end in a frame: after its first byte, and not in a
// later frame, where a transaction that only begins here is found.
func ending(r *binarchive.Reader, f binlog.Frame, q Query) (found []*binlog.Transaction, err error) {
	look := newLook(q, func(t *binlog.Transaction) error {
		if t.End > f.From && t.End <= f.To && q.Takes(t) {
			found = append(found, t)
		}
		if t.End >= f.To {
			return binarchive.ErrEnough
		}
		return nil
	})
	err = r.Walk(f.Start(), look.take)
	if errors.Is(err, binarchive.ErrEnough) {
		err = nil
	}
	return found, err
}
