package binarchive

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// syncEvery is the longest time that an event waits for an fsync.
const syncEvery = 500 * time.Millisecond

// Options configure a follower.
type Options struct {
	Target     mysql.Target
	Folder     Folder
	Recipients []string // age; none for an unencrypted archive
	Keys       []age.Identity
	Who        lock.Holder
	Service    string // whose archive it is
	Server     string // the server's name in the archive; "" looks for it, see Folder.Ask
	Follow     bool   // wait for new events; else stop at the end of the log
	// Start is the first file if the archive has nothing of the server; "" is the oldest file
	// of the server. A file that the server does not have counts as "".
	Start string
	// Base is an open file of another archive that this one, which must be empty, continues;
	// nil for none. Folder.OpenAfter reads the two together.
	Base *Reader
	// Stop ends the run when the archive reaches it; nil is the end of the log.
	Stop *binlog.Position
	// Tell is called with messages for the operator; may be nil.
	Tell func(Note)
}

// Note is a message of a follower.
type Note struct {
	Begun  *binlog.Segment // a file was started
	Ended  *binlog.Segment // a file was completed
	Gap    *binlog.Gap     // a gap was found
	Retry  error           // the connection broke and is retried; further retries are not reported
	Back   bool            // the server sends its log again after a Retry
	Synced time.Time       // everything up to this commit is stored
	Mended *Fault          // a file was damaged; what cannot be used of it is fetched again
	Files  *format.Files   // the server does not send its log to this user: it is read from its files
}

// Result is the outcome of one run.
type Result struct {
	Server   string
	Segments int             // number written to
	Bytes    int64           // size of the events
	At       binlog.Position // the archive's end of this server's log
	Gaps     []binlog.Gap    // gaps found before the fetched part
}

// follower is one run.
type follower struct {
	Options
	server *format.Server
	held   *lock.Lock // on the server's log
	dir    string
	pack   *packer
	unpack *unpacker
	w      *writer
	file   string // the stream's current file
	fresh  bool   // the stream starts at the beginning of the file
	opened bool   // the format of the stream's file was read
	again  bool   // the log was reset and reuses file names
	broken bool   // the connection broke, which was reported, and nothing has arrived since
	files  bool   // it was reported that the log is read from the server's files
	out    Result
}

// release releases the lock on the server's log.
func (f *follower) release() {
	if f.held != nil {
		f.held.Release()
		f.held = nil
	}
}

// hold takes the lock on the log of the server that responds; another server may take over
// the same address.
func (f *follower) hold() (err error) {
	if f.held != nil && f.out.Server == f.server.ID {
		return nil
	}
	f.release()
	f.held, err = f.Folder.hold(f.server.ID, f.Who)
	return err
}

// own takes the lock of the server's folder. Another server with the same id may have taken
// the folder, or begun to, since it was chosen.
func (f *follower) own(ctx context.Context, id string) error {
	for range 3 {
		chosen := f.server.ID
		held := f.hold()
		var by *lock.HeldError
		if held != nil && !errors.As(held, &by) || f.Server != "" {
			return held
		}
		if err := f.choose(ctx, id); err != nil {
			return err
		}
		if f.server.ID == chosen {
			return held
		}
	}
	return f.hold()
}

// choose names the connected server as the archive does.
func (f *follower) choose(ctx context.Context, id string) (err error) {
	if f.server.ID = f.Server; f.Server != "" {
		return nil
	}
	f.server.ID = id
	f.server.ID, err = f.Folder.nameOf(ctx, f.Target, f.server)
	return err
}

// Run fetches everything new. With Follow it continues until ctx ends or the server
// refuses; if the server goes away, it retries until the server is back. The archive of a
// server's log has one writer: a second one gets a *lock.HeldError.
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
			err = ErrEnded // a followed log has no end
		}
		if errors.Is(err, errReset) && ctx.Err() == nil {
			continue
		}
		var files *format.FilesError
		if f.files && errors.As(err, &files) {
			err = files // it could be read from its files: a container or its daemon is away
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

// passing reports whether an error is worth a retry.
func passing(err error) bool {
	var server *format.ServerError
	var held *lock.HeldError
	switch {
	case errors.As(err, &held):
		return false
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrLogOff):
		return false
	case errors.As(err, &server):
		return !format.LacksRight(err)
	case mysql.Number(err) == mysql.ErrAccessDenied:
		return false
	}
	var disk *os.PathError
	return !errors.As(err, &disk)
}

// once runs one connection.
func (f *follower) once(ctx context.Context) (err error) {
	if f.server, err = format.Ask(ctx, f.Target); err != nil {
		return err
	}
	if !f.server.Logging {
		return ErrLogOff
	}
	id := f.server.ID
	if err := f.choose(ctx, id); err != nil {
		return err
	}
	if err := f.own(ctx, id); err != nil {
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

// end stores the archive's end in the result, as a listing reports it.
func (f *follower) end() error {
	segments, err := f.Folder.Segments(f.server.ID)
	if err != nil || len(segments) == 0 {
		return err
	}
	last := segments[len(segments)-1]
	f.out.At = binlog.Position{File: last.File, Pos: last.ToPos}
	return nil
}

// ErrEnded reports that the server ended a followed stream, as it does when it shuts down.
var ErrEnded = errors.New("the server ended the binlog stream")

// ErrLogOff reports that the server's binlog is off.
var ErrLogOff error = logOff{}

// logOff is an error that is translated to the language of the sentence around it.
type logOff struct{}

func (logOff) sentence() lang.Msg { return lang.M("the server's binlog is off (%s)", "log_bin") }

func (e logOff) Error() string { return e.sentence().String() }

// In is the sentence in a printer's language.
func (e logOff) In(p *lang.Printer) string { return p.Msg(e.sentence()) }

// where finds the position to continue from, and completes what a crash left unfinished.
func (f *follower) where(ctx context.Context) (binlog.Position, error) {
	if err := f.recover(); err != nil {
		return binlog.Position{}, err
	}
	segments, err := f.Folder.Segments(f.server.ID)
	if err != nil {
		return binlog.Position{}, err
	}
	switch {
	case len(segments) == 0 && f.Base != nil:
		return f.continueBase()
	case len(segments) == 0:
		return f.first(), nil
	}
	last := segments[len(segments)-1]
	if !last.Open {
		if _, here := f.server.Has(last.File); here {
			same, err := sameFile(ctx, f.Target, last)
			if err != nil {
				return binlog.Position{}, err
			}
			if !same {
				f.again = true // another file of the same name
				return f.oldest(), nil
			}
		}
		if _, here := f.server.Has(last.Next); here {
			return binlog.Position{File: last.Next, Pos: 4}, nil
		}
		return f.oldest(), nil // begin will find and report the gap
	}
	if log, here := f.server.Has(last.File); !here || log.Pos < last.ToPos {
		return f.oldest(), f.cut(last)
	}
	same, err := sameFile(ctx, f.Target, last)
	if err != nil {
		return binlog.Position{}, err
	}
	if !same {
		f.again = true
		return f.oldest(), f.cut(last)
	}
	f.w, err = resume(f.dir, filepath.Join(f.dir, last.Name+partSuffix), f.pack, f.unpack)
	return binlog.Position{File: last.File, Pos: last.ToPos}, err
}

// first is the position where a new archive begins.
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

// cut closes a part that the server no longer has, or only has with a smaller length.
func (f *follower) cut(s *binlog.Segment) error {
	w, err := resume(f.dir, filepath.Join(f.dir, s.Name+partSuffix), f.pack, f.unpack)
	if err != nil || w == nil {
		return err
	}
	_, err = w.close("")
	return err
}

// read reads the stream to its end.
func (f *follower) read(ctx context.Context, at binlog.Position) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := format.Dump(ctx, f.Target, at.File, at.Pos, replicaID(f.Folder.Dir), f.Follow)
	if err != nil {
		return err
	}
	defer stream.Close()
	if files := stream.Files(); files != nil && !f.files {
		f.files = true
		f.Tell(Note{Files: files})
	}
	f.file = at.File
	f.fresh = at.Pos == 4
	f.opened = false
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

// reached reports whether everything up to Stop is stored.
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

// replicaID is our server id among the replicas, in an uncommon range. It is constant for
// an archive, so the server ends a broken connection of ours with the same id.
func replicaID(dir string) uint32 {
	host, _ := os.Hostname()
	h := fnv.New32a()
	fmt.Fprint(h, host, "\x00", dir)
	return 0xb0000000 | h.Sum32()&0x0fffffff
}
