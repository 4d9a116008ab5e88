package logfile

import (
	"io"
	"os"
	"time"

	"opsdeck/ops/logs"

	"golang.org/x/sys/unix"
)

// A file that is truncated while its writer keeps its place begins with a hole: zeros up to
// that place. They are no part of the log.

// leastHole is the least length of a hole: UTF-16 can begin with a zero.
const leastHole = 16

// holeEnd is where the text after the hole at the beginning of a file begins, up to size.
func holeEnd(r io.ReaderAt, size int64) int64 {
	var first [leastHole]byte
	if n, _ := r.ReadAt(first[:], 0); n < leastHole || first != [leastHole]byte{} {
		return 0
	}
	at := int64(0)
	if f := osFile(r); f != nil {
		// Blocks that were never written need not be read. The offset of f is not used.
		if data, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_DATA); err == nil {
			at = min(data, size)
		} else if err == unix.ENXIO {
			at = size
		}
	}
	buf := make([]byte, 256<<10)
	for at < size {
		n, _ := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		for _, c := range buf[:n] {
			if c != 0 {
				return at
			}
			at++
		}
		if n == 0 {
			return at
		}
	}
	return at
}

// osFile is the file of a text, or nil.
func osFile(r io.ReaderAt) *os.File {
	switch t := r.(type) {
	case *os.File:
		return t
	case *liveText:
		return t.f
	case *hidden:
		if t.from.Load() == 0 {
			return osFile(t.Text)
		}
	}
	return nil
}

// afterHole is a text without the hole at its beginning.
type afterHole struct {
	logs.Text
	hole int64
}

func (a *afterHole) ReadAt(p []byte, off int64) (int, error) { return a.Text.ReadAt(p, off+a.hole) }

// Size is the length of the text after the hole.
func (a *afterHole) Size() int64 { return max(0, a.Text.Size()-a.hole) }

// Written is when the text was last written to.
func (a *afterHole) Written() time.Time { return logs.WrittenAt(a.Text) }
