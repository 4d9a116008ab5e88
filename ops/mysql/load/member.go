package load

import (
	"context"
	"io"
	"sync/atomic"

	"opsdeck/ops/backup"
)

// Reader reads single members of a dump with a manifest, at any place in the file. It is
// for one goroutine at a time; a Source may have several.
type Reader struct {
	unpack *unpacker
	text   []byte
}

// Reader returns a reader of members. The caller closes it.
func (s *Source) Reader() *Reader { return &Reader{unpack: newUnpacker(s)} }

// Text returns the SQL of a member after checking its hash. It is valid until the next
// call.
func (r *Reader) Text(ctx context.Context, m backup.Member) ([]byte, error) {
	text, err := r.unpack.member(ctx, r.text[:0], m)
	if err == nil {
		r.text = text
	}
	return text, err
}

// Close frees the decoder.
func (r *Reader) Close() { r.unpack.close() }

// Stream returns the whole dump as SQL text, as Text does. read returns how many bytes
// of the file, of size, have been read so far.
func (s *Source) Stream() (text io.ReadCloser, read func() int64, size int64, err error) {
	counted := &countingAt{ReaderAt: s.file}
	text, err = plain(io.NewSectionReader(counted, 0, s.size))
	return text, counted.far.Load, s.size, err
}

// countingAt records the furthest byte that was read.
type countingAt struct {
	io.ReaderAt
	far atomic.Int64
}

func (c *countingAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, off)
	if end := off + int64(n); end > c.far.Load() {
		c.far.Store(end)
	}
	return n, err
}
