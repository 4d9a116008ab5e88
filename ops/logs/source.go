package logs

import (
	"context"
	"io"
	"time"
)

// Text is the text of a log that lies somewhere and stays there. It may grow;
// what was there stays as it was until it is closed.
type Text interface {
	io.ReaderAt
	Size() int64
	Close() error
}

// Mapped is a Text that can be mapped from off to end instead of read; unmap ends that.
type Mapped interface {
	Map(off, end int64) (text []byte, unmap func(), ok bool)
}

// Dated is a Text that knows when it was last written to.
type Dated interface{ Written() time.Time }

// WrittenAt is when a text was last written to, zero where it does not know.
func WrittenAt(t Text) time.Time {
	if d, ok := t.(Dated); ok {
		return d.Written()
	}
	return time.Time{}
}

// Part is one stretch of a source's text: a file, a rotated generation.
type Part interface {
	// Name is shown to people and stands in the output: a path.
	Name() string
	// Open makes the text readable. It may return a text together with an
	// error: what a damaged file still holds.
	Open(ctx context.Context) (Text, error)
}

// Pieced is a Part that is better read in pieces: then Pieces are not nil and stand in
// its place.
type Pieced interface{ Pieces() []Part }

// Source is one log: its parts in the order of time, the newest last.
type Source struct {
	Name  string
	Parts []Part
}
