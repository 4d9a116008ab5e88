package binlog

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"opsdeck/ops/mysql"
)

// fileStream reads a server's files as its stream would bring them. It ends where the server
// says that its log ends.
type fileStream struct {
	files  *Files
	db     *sql.DB
	follow bool
	server Server   // its newest answer
	queue  [][]byte // events before that at pos

	file string
	pos  uint64
	head []byte // the file's format
	from io.ReadCloser
	in   *bufio.Reader
	took time.Duration // to reach pos the last time
	idle int           // reads in turn that brought nothing

	fault *ServerError // the place that was asked for is not there: the first event brings it
}

// askEvery is how often the server is asked for the end of its log while nothing is new.
// A container's file is copied whole each time: that may take a tenth of the time.
const askEvery = 200 * time.Millisecond

// dumpFiles is Dump by the server's files.
func dumpFiles(ctx context.Context, t mysql.Target, file string, pos uint64, follow bool) (*Stream, error) {
	files, err := FindFiles(ctx, t)
	if err != nil {
		return nil, err
	}
	f := &fileStream{files: files, follow: follow}
	if f.db, err = mysql.Open(ctx, t, ""); err != nil {
		return nil, err
	}
	f.db.SetMaxOpenConns(1)
	if err = f.ask(ctx); err == nil {
		err = f.begin(ctx, file, pos)
	}
	if errors.As(err, &f.fault) {
		err = nil
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return &Stream{files: f}, nil
}

// ask asks the server for its files and for the end of its log.
func (f *fileStream) ask(ctx context.Context) error {
	before := f.server.Now
	if err := f.server.status(ctx, f.db); err != nil {
		return err
	}
	if f.server.Now.File == before.File {
		return nil
	}
	f.server.Logs = nil
	return f.server.logs(ctx, f.db)
}

// end is the position at which the file ends, as far as the server has said.
func (f *fileStream) end() uint64 {
	if f.file == f.server.Now.File {
		return f.server.Now.Pos
	}
	log, _ := f.server.Has(f.file)
	return log.Pos
}

// begin opens a file at a position. The events before it are those of a server's stream.
func (f *fileStream) begin(ctx context.Context, file string, pos uint64) error {
	if _, here := f.server.Has(file); !here {
		return notFound("the server has no log file %s", file)
	}
	pos = max(pos, uint64(len(Magic)))
	f.shut()
	f.file, f.head, f.pos = file, nil, pos
	if err := f.reopen(ctx); err != nil {
		return err
	}
	f.queue = [][]byte{rotation(file, pos), bytes.Clone(f.head)}
	if pos == uint64(len(Magic)) {
		f.pos += uint64(len(f.head))
	}
	if f.end() < f.pos {
		return notFound("%s has no position %d", file, pos)
	}
	return nil
}

func notFound(format string, args ...any) error {
	return &ServerError{Code: errNoPlace, Message: fmt.Sprintf(format, args...)}
}

// errNoPlace is the server's error for a place that is not in its log.
const errNoPlace = 1236

// reopen opens the file at the position again. Of a container's file that brings what was
// written since; a file that was replaced is an error.
func (f *fileStream) reopen(ctx context.Context) error {
	began := time.Now()
	from, err := f.files.open(ctx, f.file)
	if err != nil {
		return err
	}
	if old, ok := f.from.(*os.File); ok && !sameInode(old, from) {
		from.Close()
		return notFound("%s was replaced", f.file)
	}
	f.shut()
	f.from, f.in = from, bufio.NewReaderSize(from, 256<<10)
	head, err := f.files.head(f.in)
	if err != nil {
		return err
	}
	if f.head != nil && !bytes.Equal(head, f.head) {
		return notFound("%s was replaced", f.file)
	}
	if f.head == nil {
		f.head = head
	}
	if err := f.skip(); err != nil {
		return err
	}
	f.took = time.Since(began)
	return nil
}

func sameInode(a *os.File, b io.ReadCloser) bool {
	other, ok := b.(*os.File)
	if !ok {
		return true
	}
	x, err := a.Stat()
	y, otherErr := other.Stat()
	return err == nil && otherErr == nil && os.SameFile(x, y)
}

// skip goes from the end of the format to the position.
func (f *fileStream) skip() error {
	at := uint64(len(Magic) + len(f.head))
	if f.pos <= at {
		return nil
	}
	if file, ok := f.from.(*os.File); ok {
		if _, err := file.Seek(int64(f.pos), io.SeekStart); err != nil {
			return unreadable(err)
		}
		f.in.Reset(file)
		return nil
	}
	_, err := io.CopyN(io.Discard, f.in, int64(f.pos-at))
	if errors.Is(err, io.EOF) {
		return notFound("%s has no position %d", f.file, f.pos)
	}
	return err
}

// next is the next event, as Stream.Next returns it.
func (f *fileStream) next(ctx context.Context) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.fault != nil {
			return nil, f.fault
		}
		if len(f.queue) > 0 {
			raw := f.queue[0]
			f.queue = f.queue[1:]
			return raw, nil
		}
		end := f.end()
		switch {
		case f.pos < end:
			raw, err := f.event(ctx, end)
			if raw != nil || err != nil {
				return raw, err
			}
		case f.file != f.server.Now.File:
			next, err := f.following()
			if err != nil {
				return nil, err
			}
			if err := f.begin(ctx, next, 0); err != nil {
				return nil, err
			}
		case f.pos > end:
			return nil, notFound("%s has no position %d", f.file, f.pos)
		case !f.follow:
			return nil, io.EOF
		default:
			if err := f.wait(ctx); err != nil {
				return nil, err
			}
		}
	}
}

// event reads the event at the position; none if the file does not hold it yet.
func (f *fileStream) event(ctx context.Context, end uint64) ([]byte, error) {
	raw, err := nextRaw(f.in, f.pos)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if f.idle++; f.idle > 50 {
			return nil, fmt.Errorf("%s ends at %d, and the server says %d: %w", f.file, f.pos, end, err)
		}
		if f.idle > 1 {
			if err := pause(ctx, askEvery); err != nil {
				return nil, err
			}
		}
		return nil, f.reopen(ctx)
	case errors.Is(err, ErrDamaged):
		return nil, notFound("no event of %s begins at %d", f.file, f.pos)
	case err != nil:
		return nil, unreadable(err)
	}
	f.idle = 0
	if Type(raw[4]) == TypeStartEncryption {
		return nil, errEncrypted
	}
	if f.pos += uint64(len(raw)); f.pos > end {
		return nil, notFound("no event of %s ends at %d", f.file, end)
	}
	return raw, nil
}

// following is the file after the current one.
func (f *fileStream) following() (string, error) {
	for i, l := range f.server.Logs[:max(0, len(f.server.Logs)-1)] {
		if l.File == f.file {
			return f.server.Logs[i+1].File, nil
		}
	}
	return "", notFound("the server no longer has the file after %s", f.file)
}

// wait asks the server until its log goes on.
func (f *fileStream) wait(ctx context.Context) error {
	every := askEvery
	if f.files.Container != "" {
		every = max(time.Second, 10*f.took)
	}
	if err := pause(ctx, every); err != nil {
		return err
	}
	return f.ask(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (f *fileStream) shut() {
	if f.from != nil {
		f.from.Close()
	}
	f.from, f.in = nil, nil
}

func (f *fileStream) close() error {
	f.shut()
	return f.db.Close()
}
