// Package changes reads the binlog as transactions: what happened, when, and to which
// rows. It reads the archive and what the server has beyond it.
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

// mostLive is the maximum number of bytes that are read from a server's log; older parts
// must come from the archive. Tests change it.
var mostLive uint64 = 4 << 30

// Source is all of the log that can be read.
type Source struct {
	pieces []piece // oldest first
	live   string  // temporary folder for what the server has beyond the archive
	// LiveErr tells why the server's own part is missing; nil if it is not.
	LiveErr error
	server  *format.Server // the live server; nil if it could not be reached
	unread  []string       // files of the live server that exceed the limit
	found   sync.Map       // transactions that were searched before, by id

	reading  sync.Mutex   // guards what follows
	defined  bool         // the definitions were read
	definers []definition // statements that may define a table, in log order
}

// piece is one log file and the function that opens it.
type piece struct {
	*binlog.Segment
	folder binarchive.Folder
	keys   []age.Identity
	base   *piece // the archived file that it continues; nil if it has the whole file
	cut    int64  // size of the base, in bytes
	live   bool   // fetched from the server now
}

func (p piece) open() (*binarchive.Reader, error) {
	if p.base == nil {
		return p.folder.Open(p.Segment, p.keys)
	}
	base, err := p.base.open()
	if err != nil {
		return nil, err
	}
	return p.folder.OpenAfter(p.Segment, p.keys, base, p.cut)
}

// Open collects the archived files and fetches what the server has beyond them into a
// temporary folder, encrypted with a key that is never written. Close removes the folder.
func Open(ctx context.Context, folder binarchive.Folder, keys []age.Identity, target mysql.Target) (*Source, error) {
	return open(ctx, folder, keys, target, nil)
}

// OpenArchive collects the archived files only and contacts no server.
func OpenArchive(folder binarchive.Folder, keys []age.Identity) (*Source, error) {
	s, err := archived(folder, keys)
	if err == nil {
		s.leaveOut(folder)
	}
	return s, err
}

// OpenUpTo is Open for the log before a position: it fetches no more than that.
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
	s.LiveErr = s.beyond(ctx, folder, target, end)
	s.leaveOut(folder)
	if s.LiveErr != nil && ctx.Err() != nil {
		s.Close()
		return nil, ctx.Err()
	}
	return s, nil
}

// archived collects the archived files only.
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
			group = append(group, piece{Segment: seg, folder: folder, keys: keys})
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

// leaveOut leaves out the logs of servers that only other services have.
func (s *Source) leaveOut(folder binarchive.Folder) {
	of := map[string][]*binlog.Segment{}
	for _, p := range s.pieces {
		of[p.Server] = append(of[p.Server], p.Segment)
	}
	connected := ""
	if s.server != nil {
		connected = s.server.Host
		delete(of, s.server.ID)
	}
	foreign := map[string]bool{}
	for server, segments := range of {
		foreign[server] = folder.Foreign(segments, connected)
	}
	s.pieces = slices.DeleteFunc(s.pieces, func(p piece) bool { return foreign[p.Server] })
}

func newest(group []piece) (at time.Time) {
	for _, p := range group {
		if p.ToTime.After(at) {
			at = p.ToTime
		}
	}
	return at
}

// Empty reports whether there is no log to read.
func (s *Source) Empty() bool { return len(s.pieces) == 0 }

// Close removes the fetched files.
func (s *Source) Close() error {
	if s.live == "" {
		return nil
	}
	return os.RemoveAll(s.live)
}

// beyond fetches what the archive lacks of the server's log.
func (s *Source) beyond(
	ctx context.Context,
	folder binarchive.Folder,
	target mysql.Target,
	end *binlog.Place,
) error {
	server, err := folder.Ask(ctx, target)
	if err != nil {
		return err
	}
	s.server = server
	if !server.Logging {
		return binarchive.ErrLogOff
	}
	start, whole, err := s.start(ctx, target, server)
	if err != nil || whole {
		return err
	}
	if s.live, err = os.MkdirTemp("", "opsdeck-binlog-"); err != nil {
		return err
	}
	if last := s.lastOf(server.ID); last != nil && last.Open && last.File == start {
		if err := s.fetch(ctx, target, start, last, end); err == nil || ctx.Err() != nil {
			return err
		}
		// The archived part cannot be read or continued: fetch the whole file.
		if err := os.RemoveAll(s.live); err != nil {
			return err
		}
	}
	return s.fetch(ctx, target, start, nil, end)
}

// fetch fetches the server's log from a file on, up to a position; nil is the log's end. Of a
// file whose beginning is archived in base it fetches the rest.
func (s *Source) fetch(
	ctx context.Context,
	target mysql.Target,
	start string,
	base *piece,
	end *binlog.Place,
) error {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	folder := binarchive.Folder{Dir: s.live}
	keys := []age.Identity{key}
	o := binarchive.Options{Target: target, Folder: folder, Recipients: []string{key.Recipient().String()}, Keys: keys,
		Start: start, Who: lock.Holder{What: "audit changes"}, Server: s.server.ID}
	if end != nil {
		o.Stop = &end.Position
	}
	if base != nil {
		if o.Base, err = base.open(); err != nil {
			return err
		}
		defer o.Base.Close()
	}
	if _, err = binarchive.Run(ctx, o); err != nil {
		return err
	}
	segments, err := folder.Segments(s.server.ID)
	if err != nil {
		return err
	}
	epoch := 0
	if base == nil {
		epoch = s.epochOf(s.server, segments, start)
	}
	for i, seg := range segments {
		seg.Epoch += epoch
		p := piece{Segment: seg, folder: folder, keys: keys, live: true}
		if i == 0 && base != nil {
			p.base = base
			p.cut = o.Base.Size()
		}
		s.pieces = slices.DeleteFunc(s.pieces, func(p piece) bool {
			return p.Server == seg.Server && p.File == seg.File && p.Identity == seg.Identity
		})
		s.pieces = append(s.pieces, p)
	}
	return nil
}

// start is the first file of the server that the archive does not cover; whole tells that
// the archive covers everything.
func (s *Source) start(
	ctx context.Context,
	target mysql.Target,
	server *format.Server,
) (file string, whole bool, err error) {
	if last := s.lastOf(server.ID); last != nil {
		same, err := s.continues(ctx, target, last.Segment)
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

// lastOf is the newest archived file of a server; nil if there is none.
func (s *Source) lastOf(server string) *piece {
	for _, p := range slices.Backward(s.pieces) {
		if p.Server == server {
			return &p
		}
	}
	return nil
}

// continues reports whether the server's log continues an archived file.
func (s *Source) continues(ctx context.Context, target mysql.Target, last *binlog.Segment) (bool, error) {
	return binarchive.Continues(ctx, target, s.server, last)
}

// ErrNotFound reports that no transaction has the id.
var ErrNotFound = errors.New("no such transaction in the binlog")

// List calls take with the matching transactions, newest first, up to the limit. A damaged file
// does not hide those before it: its error comes at the end.
func (s *Source) List(ctx context.Context, q Query, take func(*binlog.Transaction) error) error {
	q, err := s.traced(ctx, q)
	if err != nil {
		return err
	}
	if q.Largest {
		return s.largest(ctx, q, take)
	}
	left := q.Limit
	var damaged error
	for _, p := range slices.Backward(s.pieces) {
		if !q.Since.IsZero() && p.ToTime.Before(q.Since) || !q.Until.IsZero() && p.FromTime.After(q.Until) {
			continue
		}
		err := s.listPiece(ctx, p, q, &left, take)
		if errors.Is(err, binarchive.ErrDamaged) && damaged == nil {
			damaged, err = err, nil
		}
		if err != nil {
			return err
		}
		if q.Limit > 0 && left <= 0 {
			break
		}
	}
	return damaged
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
		found, err := ending(r, s.number(p), f, q)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		for _, t := range slices.Backward(found) {
			keep, err := s.settle(ctx, s.number(p), t)
			if err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
			if !keep {
				continue
			}
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

// ending returns the transactions that end in a frame. One that begins in this frame and
// ends in a later one is found there.
func ending(r *binarchive.Reader, number int, f binlog.Frame, q Query) (found []*binlog.Transaction, err error) {
	look := newLook(q, number, func(t *binlog.Transaction) error {
		if t.End > f.From && t.End <= f.To && q.Takes(t) {
			found = append(found, t)
		}
		return nil
	})
	return found, r.Skim(f.Start(), f.To, look.take)
}
