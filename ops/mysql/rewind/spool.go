package rewind

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"opsdeck/ops/binlog"
)

// none is the place of an image of a row that is not there.
const none int64 = -1

const (
	spoolTail = 1 << 20   // written at once, in bytes
	spoolView = 256 << 10 // read at once, in bytes
	spoolBack = 8 << 10   // of a view that is read backwards, what follows the place asked for
)

// spool keeps row images in a file without a name: whatever ends the program, nothing of it
// stays. An image is known by its place. A spool is used by one goroutine at a time.
type spool struct {
	file *os.File
	tail []byte // written last, not yet in the file
	size int64  // of the file, in bytes
	view []byte // a part of the file
	from int64  // where the view begins

	longest int64 // image, in bytes
}

// newSpool makes the file in a folder, readable by its owner alone.
func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, ".rewind-*")
	if err != nil {
		return nil, fmt.Errorf("keep rows: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &spool{file: file}, nil
}

// Close gives the file back.
func (s *spool) Close() error {
	if s == nil {
		return nil
	}
	return s.file.Close()
}

// lengthBytes is the length before each image.
const lengthBytes = 4

// put keeps an image, and tells its place.
func (s *spool) put(image []binlog.Value) (int64, error) {
	if image == nil {
		return none, nil
	}
	at := s.size + int64(len(s.tail))
	start := len(s.tail)
	s.tail = appendImage(append(s.tail, make([]byte, lengthBytes)...), image)
	n := len(s.tail) - start - lengthBytes
	s.longest = max(s.longest, int64(n))
	if n > 1<<31 {
		return none, fmt.Errorf("keep rows: a row of %d bytes", n)
	}
	binary.LittleEndian.PutUint32(s.tail[start:], uint32(n))
	if len(s.tail) < spoolTail {
		return at, nil
	}
	if _, err := s.file.WriteAt(s.tail, s.size); err != nil {
		return none, fmt.Errorf("keep rows: %w", err)
	}
	s.size += int64(len(s.tail))
	s.tail = s.tail[:0]
	return at, nil
}

// get is the image at a place.
func (s *spool) get(at int64) ([]binlog.Value, error) {
	if at == none {
		return nil, nil
	}
	raw, err := s.raw(at)
	if err != nil {
		return nil, fmt.Errorf("read kept rows: %w", err)
	}
	return imageOf(raw)
}

// raw is what an image is kept as, valid until the next call.
func (s *spool) raw(at int64) ([]byte, error) {
	if at >= s.size {
		return record(s.tail[at-s.size:]), nil
	}
	if raw := s.seen(at); raw != nil {
		return raw, nil
	}
	from := at
	if at < s.from {
		from = max(0, at+spoolBack-spoolView)
	}
	if err := s.look(from, spoolView); err != nil {
		return nil, err
	}
	if raw := s.seen(at); raw != nil {
		return raw, nil
	}
	if err := s.look(at, spoolView); err != nil {
		return nil, err
	}
	if raw := s.seen(at); raw != nil {
		return raw, nil
	}
	err := s.look(at, lengthBytes+int(binary.LittleEndian.Uint32(s.view)))
	return s.seen(at), err
}

// seen is the image at a place if the view holds it whole.
func (s *spool) seen(at int64) []byte {
	off := at - s.from
	if off < 0 || off+lengthBytes > int64(len(s.view)) {
		return nil
	}
	n := int64(binary.LittleEndian.Uint32(s.view[off:]))
	if off+lengthBytes+n > int64(len(s.view)) {
		return nil
	}
	return record(s.view[off:])
}

// look reads a view of n bytes, or to the end of the file.
func (s *spool) look(from int64, n int) error {
	if cap(s.view) < n {
		s.view = make([]byte, n)
	}
	s.view = s.view[:min(int64(n), s.size-from)]
	s.from = from
	if _, err := s.file.ReadAt(s.view, from); err != nil && !errors.Is(err, io.EOF) {
		s.view = s.view[:0]
		return err
	}
	return nil
}

// record is the first image of some bytes.
func record(b []byte) []byte {
	return b[lengthBytes : lengthBytes+binary.LittleEndian.Uint32(b)]
}
