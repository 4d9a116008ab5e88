package binarchive

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// syncEvery is how long an event may wait to be promised.
const syncEvery = 500 * time.Millisecond

// Options are what a follower needs.
type Options struct {
	Target     mysql.Target
	Folder     Folder
	Recipients []string // age; none for an archive in the clear
	Keys       []age.Identity
	Who        lock.Holder
	Follow     bool // wait for what comes; else end at the log's end
	// Start is the file to begin with when the archive has nothing of the server; ""
	// is the oldest that the server has. A file that the server lacks counts as "".
	Start string
	// Stop ends the run once the archive reaches there; nil is the log's end.
	Stop *binlog.Position
	// Tell is called with what an operator should know; may be nil.
	Tell func(Note)
}

// Note is what a follower has to say.
type Note struct {
	Begun  *binlog.Segment // a file is begun
	Ended  *binlog.Segment // a file is complete
	Gap    *binlog.Gap     // a gap is found
	Retry  error           // the connection broke; it is tried again, and again, untold
	Back   bool            // after that the server sends its log again
	Synced time.Time       // all up to this commit is kept
}

// Result is what one run brought.
type Result struct {
	Server   string
	Segments int             // that were written to
	Bytes    int64           // of events
	At       binlog.Position // the archive's end of this server's log
	Gaps     []binlog.Gap    // that were found before what was fetched
}

// follower is one run.
type follower struct {
	Options
	server *format.Server
	held   *lock.Lock // of the server's log
	dir    string
	pack   *packer
	unpack *unpacker
	w      *writer
	file   string // that the stream is in
	fresh  bool   // the stream begins at the file's beginning
	opened bool   // the stream's file has said its format
	again  bool   // the log began again under the same names
	broken bool   // the connection broke, which is told, and nothing came since
	out    Result
}

// release gives the lock of the server's log back.
func (f *follower) release() {
	if f.held != nil {
		f.held.Release()
		f.held = nil
	}
}

// hold takes the lock of the log of the server that answers; behind one address another
// server may take over.
func (f *follower) hold() (err error) {
	if f.held != nil && f.out.Server == f.server.ID {
		return nil
	}
	f.release()
	f.held, err = f.Folder.hold(f.server.ID, f.Who)
	return err
}

// Run fetches everything that is new, and with Follow goes on until ctx ends or the
// server refuses: when the server goes away it is tried again until it is back. The
// archive of a server's log is one writer's: a second one gets a *lock.HeldError.
func Run(ctx context.Context, o Options) (Result, error) {
	if err := os.MkdirAll(o.Folder.Dir, 0o700); err != nil {
		return Result{}, err
	}
	if o.Tell == nil {
		o.Tell = func(Note) {}
	}
	f := &follower{Options: o}
	defer f.release()
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		before := f.out.Bytes
		err := f.once(ctx)
		if err == nil && o.Follow && o.Stop == nil {
			err = ErrEnded // a log that is followed has no end
		}
		if errors.Is(err, errReset) && ctx.Err() == nil {
			continue
		}
		if err == nil || ctx.Err() != nil || !o.Follow || !passing(err) {
			if ctx.Err() != nil && o.Follow {
				return f.out, ctx.Err()
			}
			return f.out, err
		}
		if f.out.Bytes > before {
			wait = time.Second
		}
		if !f.broken {
			f.broken = true
			o.Tell(Note{Retry: err})
		}
		select {
		case <-ctx.Done():
			return f.out, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// passing tells whether an error may be gone at the next try.
func passing(err error) bool {
	var server *format.ServerError
	var held *lock.HeldError
	switch {
	case errors.As(err, &held):
		return false
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrLogOff):
		return false
	case errors.As(err, &server):
		return server.Code != 1227 // the right to read the log is missing
	case mysql.Number(err) == mysql.ErrAccessDenied:
		return false
	}
	var disk *os.PathError
	return !errors.As(err, &disk)
}

// once is one connection.
func (f *follower) once(ctx context.Context) (err error) {
	if f.server, err = format.Ask(ctx, f.Target); err != nil {
		return err
	}
	if !f.server.Logging {
		return ErrLogOff
	}
	if err := f.hold(); err != nil {
		return err
	}
	f.out.Server, f.dir = f.server.ID, f.Folder.server(f.server.ID)
	if f.pack, err = newPacker(f.Recipients); err != nil {
		return err
	}
	if f.unpack, err = newUnpacker(f.Keys); err != nil {
		return err
	}
	at, err := f.where(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if f.w != nil {
			err = errors.Join(err, f.w.sync())
			f.w.abandon()
			f.w = nil
		}
		err = errors.Join(err, f.end())
	}()
	return f.read(ctx, at)
}

// end notes where the archive ends, as a list of it says.
func (f *follower) end() error {
	segments, err := f.Folder.Segments(f.server.ID)
	if err != nil || len(segments) == 0 {
		return err
	}
	last := segments[len(segments)-1]
	f.out.At = binlog.Position{File: last.File, Pos: last.ToPos}
	return nil
}

// ErrEnded says that the server ended a stream that was followed, as when it shuts down.
var ErrEnded = errors.New("the server ended the stream of the binary log")

// ErrLogOff says that the server writes no binary log.
var ErrLogOff error = logOff{}

// logOff is an error that says itself in the language of the sentence around it.
type logOff struct{}

func (logOff) sentence() lang.Msg { return lang.M("the server's binlog is off (%s)", "log_bin") }

func (e logOff) Error() string { return e.sentence().String() }

// In is the sentence in a printer's language.
func (e logOff) In(p *lang.Printer) string { return p.Msg(e.sentence()) }

// where finds the place to go on from, and finishes what a crash left.
func (f *follower) where(ctx context.Context) (binlog.Position, error) {
	if err := f.recover(); err != nil {
		return binlog.Position{}, err
	}
	segments, err := f.Folder.Segments(f.server.ID)
	if err != nil {
		return binlog.Position{}, err
	}
	start := f.first()
	if len(segments) == 0 {
		return start, nil
	}
	last := segments[len(segments)-1]
	if !last.Open {
		if _, here := f.server.Has(last.File); here {
			same, err := SameFile(ctx, f.Target, last)
			if err != nil {
				return binlog.Position{}, err
			}
			if !same {
				f.again = true // it is another file of that name
				return f.oldest(), nil
			}
		}
		if _, here := f.server.Has(last.Next); here {
			return binlog.Position{File: last.Next, Pos: 4}, nil
		}
		return f.oldest(), nil // begin will see and tell the gap
	}
	if log, here := f.server.Has(last.File); !here || log.Pos < last.ToPos {
		return f.oldest(), f.cut(last)
	}
	f.w, err = resume(f.dir, filepath.Join(f.dir, last.Name+partSuffix), f.pack, f.unpack)
	return binlog.Position{File: last.File, Pos: last.ToPos}, err
}

// first is where a new archive begins.
func (f *follower) first() binlog.Position {
	if _, here := f.server.Has(f.Start); here {
		return binlog.Position{File: f.Start, Pos: 4}
	}
	return f.oldest()
}

func (f *follower) oldest() binlog.Position {
	if len(f.server.Logs) == 0 {
		return binlog.Position{File: f.server.Now.File, Pos: 4}
	}
	return binlog.Position{File: f.server.Logs[0].File, Pos: 4}
}

// orphans removes parts whose index a crash kept from being begun: nothing was promised
// of them. While a fetch from a copy is at work, which writes a part first, they stay.
func (f *follower) orphans() error {
	parts, err := filepath.Glob(filepath.Join(f.dir, "*"+partSuffix))
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := os.Stat(strings.TrimSuffix(part, partSuffix) + indexSuffix); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		held, err := lock.Take(f.Folder.fetchLock(), f.Who)
		if err != nil {
			return nil
		}
		err = os.Remove(part)
		held.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// recover finishes files that were complete when a crash came.
func (f *follower) recover() error {
	if err := f.orphans(); err != nil {
		return err
	}
	indexes, err := filepath.Glob(filepath.Join(f.dir, "*"+indexSuffix))
	if err != nil {
		return err
	}
	done := map[string]bool{}
	if _, err := manifest(filepath.Join(f.dir, manifestName),
		func(s *binlog.Segment) { done[s.Name] = true }); err != nil {
		return err
	}
	for _, path := range indexes {
		if done[strings.TrimSuffix(filepath.Base(path), indexSuffix)] {
			continue
		}
		s, frames, err := readIndex(path)
		if err != nil {
			return err
		}
		if s == nil || s.Open && len(frames) == 0 { // nothing was promised of it
			os.Remove(strings.TrimSuffix(path, indexSuffix) + partSuffix)
			os.Remove(path)
			continue
		}
		if !s.Open {
			if _, err := finish(f.dir, s, frames); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut ends a part that the server has no more, or not in that length.
func (f *follower) cut(s *binlog.Segment) error {
	w, err := resume(f.dir, filepath.Join(f.dir, s.Name+partSuffix), f.pack, f.unpack)
	if err != nil || w == nil {
		return err
	}
	_, err = w.close("")
	return err
}

// read takes the stream to its end.
func (f *follower) read(ctx context.Context, at binlog.Position) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := format.Dump(ctx, f.Target, at.File, at.Pos, replicaID(f.Folder.Dir), f.Follow)
	if err != nil {
		return err
	}
	defer stream.Close()
	f.file, f.fresh, f.opened = at.File, at.Pos == 4, false
	events := make(chan []byte, 256)
	failed := make(chan error, 1)
	go func() {
		defer close(events)
		for {
			raw, err := stream.Next(ctx)
			if err != nil {
				failed <- err
				return
			}
			select {
			case events <- raw:
			case <-ctx.Done():
				failed <- ctx.Err()
				return
			}
		}
	}()
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case raw, more := <-events:
			if !more {
				if err := <-failed; !errors.Is(err, io.EOF) {
					return err
				}
				return nil
			}
			if f.broken {
				f.broken = false
				f.Tell(Note{Back: true})
			}
			if err := f.take(raw); err != nil {
				return err
			}
			if f.reached() {
				return nil
			}
		case <-tick.C:
			if err := f.sync(); err != nil {
				return err
			}
		}
	}
}

// reached tells whether all is kept that was asked for.
func (f *follower) reached() bool {
	return f.Stop != nil && f.w != nil &&
		!(binlog.Position{File: f.w.segment.File, Pos: f.w.end()}).Before(*f.Stop)
}

func (f *follower) sync() error {
	if f.w == nil {
		return nil
	}
	if err := f.w.sync(); err != nil {
		return err
	}
	if n := len(f.w.frames); n > 0 {
		f.Tell(Note{Synced: f.w.frames[n-1].ToTime})
	}
	return nil
}

// replicaID is our id among the server's replicas: the same for one archive, so that
// the server ends a connection of ours that broke, and in a range that nobody uses.
func replicaID(dir string) uint32 {
	host, _ := os.Hostname()
	h := fnv.New32a()
	fmt.Fprint(h, host, "\x00", dir)
	return 0xb0000000 | h.Sum32()&0x0fffffff
}
