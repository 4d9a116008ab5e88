package logfile

import (
	"bytes"
	"time"

	"opsdeck/ops/logs"
)

// Some programs end a line with \r alone: old ones of the Mac, and those that draw over a
// line while they go on. Where a text has no \n, each \r ends a line.

// endsWithReturns tells whether the beginning of a text shows that its lines end so.
func endsWithReturns(head []byte) bool {
	return bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0
}

// returnLines is a text whose lines end with \r, as one whose lines end with \n.
type returnLines struct{ logs.Text }

func (t *returnLines) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.Text.ReadAt(p, off)
	for rest := p[:n]; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			return n, err
		}
		rest[i] = '\n'
		rest = rest[i+1:]
	}
}

// Written is when the text was last written to.
func (t *returnLines) Written() time.Time { return logs.WrittenAt(t.Text) }
