package logs

import (
	"context"
	"io"
)

// Text is the text of a log that lies somewhere and stays there. It may grow;
// what was there stays as it was until it is closed.
type Text interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// Part is one stretch of a source's text: a file, a rotated generation.
type Part interface {
	// Name is shown to people and stands in the output: a path.
	Name() string
	// Open makes the text readable. It may return a text together with an
	// error: what a damaged file still holds.
	Open(ctx context.Context) (Text, error)
}

// Source is one log: its parts in the order of time, the newest last.
type Source struct {
	Name  string
	Parts []Part
}

// looksPlain tells whether the text has no times, by a look at its beginning and
// its end: then every line that is not indented is an event of its own.
func looksPlain(b *builder, r io.ReaderAt, size int64) bool {
	const look = 32 << 10
	timed := false
	see := func(line []byte, _, n int64, _ bool) error {
		if _, s, seen, first := b.shapeOf(trimCR(line), n); s.Kind == KindHead && s.timeOf(seen, first, b.parser) != unset {
			timed = true
			return errStop
		}
		return nil
	}
	eachLine(r, 0, min(size, look), b.buf[:look], see)
	if !timed && size > look {
		eachLine(r, size-look, size, b.buf[:look], see)
	}
	return !timed
}
