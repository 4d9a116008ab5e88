package binarchive

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"

	"filippo.io/age"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// Reader reads one segment from any position without unpacking what comes before it.
type Reader struct {
	Segment *binlog.Segment
	frames  []binlog.Frame
	file    io.ReaderAt
	close   func() error
	unpack  *unpacker
	format  *format.Format
	base    *Reader // has the first frames; nil if this file has them all
	cut     int64   // offset of the first frame that base does not have
	buffer  []byte  // of the frames that are read
}

// Open opens a segment of the archive.
func (f Folder) Open(s *binlog.Segment, keys []age.Identity) (*Reader, error) {
	path := filepath.Join(f.server(s.Server), s.Name)
	_, frames, err := readIndex(path + indexSuffix)
	if err != nil {
		return nil, fmt.Errorf("the index of %s: %w", s.Name, err)
	}
	file, err := openEither(path)
	if err != nil {
		return nil, err
	}
	u, err := newUnpacker(keys)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Reader{Segment: s, frames: frames, file: file, close: file.Close, unpack: u}, nil
}

// OpenAfter opens a segment that was written with Options.Base: base, which is closed with
// it, has the frames before the offset cut.
func (f Folder) OpenAfter(s *binlog.Segment, keys []age.Identity, base *Reader, cut int64) (*Reader, error) {
	r, err := f.Open(s, keys)
	if err != nil {
		base.Close()
		return nil, err
	}
	r.base = base
	r.cut = cut
	r.close = func() error { return errors.Join(r.file.(*os.File).Close(), base.Close()) }
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.close() }

// Size is where the last frame ends in the file, in bytes.
func (r *Reader) Size() int64 {
	if len(r.frames) == 0 {
		return 0
	}
	last := r.frames[len(r.frames)-1]
	return last.Offset + last.Length
}

// Frames are the segment's frames, in order.
func (r *Reader) Frames() []binlog.Frame { return r.frames }

// frame reads and verifies one frame.
func (r *Reader) frame(i int, into []byte) ([]byte, error) {
	f := &r.frames[i]
	if r.base != nil && f.Offset < r.cut {
		return r.base.read(f, into)
	}
	return r.read(f, into)
}

// read reads and verifies a frame from this reader's own file.
func (r *Reader) read(f *binlog.Frame, into []byte) ([]byte, error) {
	data := make([]byte, f.Length)
	if _, err := r.file.ReadAt(data, f.Offset); err != nil {
		err = fmt.Errorf("%w: the frame at %d of %s: %w", ErrDamaged, f.Offset, r.Segment.Name, err)
		return nil, &FrameError{f, err}
	}
	raw, err := r.unpack.unpack(f, data, r.Segment.Encrypted, into)
	if err != nil {
		return nil, &FrameError{f, fmt.Errorf("%s: %w", r.Segment.Name, err)}
	}
	return raw, nil
}

// FrameError reports a frame that cannot be read.
type FrameError struct {
	Frame *binlog.Frame // as the index describes it
	Err   error
}

func (e *FrameError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *FrameError) Unwrap() error { return e.Err }

// Format is the file's format, from its first event.
func (r *Reader) Format() (*format.Format, error) {
	if r.format != nil || len(r.frames) == 0 {
		return r.format, nil
	}
	d := format.NewDecoder(&frames{r: r}, r.frames[0].From, nil)
	if _, err := d.Next(); err != nil {
		return nil, err
	}
	r.format = d.Format()
	return r.format, nil
}

// frames reads the segment as one stream.
type frames struct {
	r    *Reader
	next int
	raw  []byte
	rest []byte
}

func (s *frames) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.next >= len(s.r.frames) {
			return 0, io.EOF
		}
		raw, err := s.r.frame(s.next, s.raw)
		if err != nil {
			return 0, err
		}
		s.raw, s.rest = raw, raw
		s.next++
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// at is the index of the frame that holds a position.
func (r *Reader) at(pos uint64) int {
	return sort.Search(len(r.frames), func(i int) bool { return r.frames[i].To > pos })
}

// Events calls take with every event from the one at pos on, and the event's end position.
// An event's bytes are valid until take returns. The hash of a frame stands for the checksums
// of its events.
func (r *Reader) Events(pos uint64, take func(e *format.Event, end uint64) error) error {
	f, err := r.Format()
	if err != nil {
		return err
	}
	raw := r.buffer
	r.buffer = nil // take may read from here, too
	defer func() { r.buffer = raw }()
	for i := r.at(pos); i < len(r.frames); i++ {
		if raw, err = r.frame(i, raw); err != nil {
			return err
		}
		var failed error
		f, err = format.Each(raw, r.frames[i].From, f, func(e *format.Event, end uint64) error {
			if end-uint64(len(e.Raw)) >= pos {
				failed = take(e, end)
			}
			return failed
		})
		if failed != nil {
			return failed
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.Segment.Name, err)
		}
	}
	return nil
}

// Walk calls take with the steps of every group from the one at pos on.
func (r *Reader) Walk(pos uint64, take func(*format.Item) error) error {
	return r.WalkTo(pos, math.MaxUint64, take)
}

// WalkTo is Walk without the events that end after a position. A group that ends later
// has no end.
func (r *Reader) WalkTo(pos, to uint64, take func(*format.Item) error) error {
	return r.walk(pos, to, false, take)
}

// Skim is WalkTo for who keeps nothing of an item after take returned, not even its group.
func (r *Reader) Skim(pos, to uint64, take func(*format.Item) error) error {
	return r.walk(pos, to, true, take)
}

func (r *Reader) walk(pos, to uint64, brief bool, take func(*format.Item) error) error {
	f, err := r.Format()
	if err != nil {
		return err
	}
	w := format.NewWalker(r.Segment.File, f)
	w.Brief = brief
	err = r.Events(pos, func(e *format.Event, end uint64) error {
		if end > to {
			return errPast
		}
		return w.Feed(e, end, take)
	})
	if errors.Is(err, errPast) {
		return nil
	}
	return err
}

// errPast ends WalkTo.
var errPast = errors.New("past the end of what is read")

// ErrEnough stops reading early; it is not a failure.
var ErrEnough = errors.New("enough")
