package logfile

import (
	"bytes"
	"io"
	"time"

	"opsdeck/ops/logs"
)

// Some programs end a line with \r alone: old ones of the Mac, and those that draw over a
// line while they go on. Where a text has no \n, each \r ends a line.

// endsWithReturns tells whether the beginning of a text shows that its lines end so. A \r
// that is its last byte may be the first half of a line break.
func endsWithReturns(head []byte) bool {
	at := bytes.IndexByte(head, '\r')
	return at >= 0 && at < len(head)-1 && bytes.IndexByte(head, '\n') < 0
}

// breakReturns makes each \r a \n, unless a \n follows it; next is the byte after the text.
func breakReturns(text []byte, next byte) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(text[at:], '\r')
		if i < 0 {
			return
		}
		at += i
		after := next
		if at+1 < len(text) {
			after = text[at+1]
		}
		if after != '\n' {
			text[at] = '\n'
		}
	}
}

// readReturns reads a text whose lines end with \r as one whose lines end with \n.
func readReturns(r io.ReaderAt, p []byte, off int64) (int, error) {
	n, err := r.ReadAt(p, off)
	next := make([]byte, 1)
	if n > 0 && p[n-1] == '\r' {
		r.ReadAt(next, off+int64(n)) // without it, the \r is the last byte
	}
	breakReturns(p[:n], next[0])
	return n, err
}

// returnLines is a text whose lines end with \r, as one whose lines end with \n.
type returnLines struct{ logs.Text }

func (t *returnLines) ReadAt(p []byte, off int64) (int, error) { return readReturns(t.Text, p, off) }

// Written is when the text was last written to.
func (t *returnLines) Written() time.Time { return logs.WrittenAt(t.Text) }

// returnWriter writes a text whose lines end with \r as one whose lines end with \n.
type returnWriter struct {
	w    io.Writer
	held bool // a \r is not written yet
	buf  []byte
}

func (r *returnWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.buf = r.buf[:0]
	if r.held {
		r.buf = append(r.buf, '\r')
	}
	r.buf = append(r.buf, p...)
	n := len(r.buf)
	if r.held = r.buf[n-1] == '\r'; r.held {
		n--
	}
	breakReturns(r.buf[:n], '\r')
	if _, err := r.w.Write(r.buf[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what is held and closes what it writes to.
func (r *returnWriter) Close() error {
	if r.held {
		r.held = false
		if _, err := r.w.Write([]byte{'\n'}); err != nil {
			return err
		}
	}
	if c, ok := r.w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
