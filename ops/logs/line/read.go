package line

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// TrimCR removes the \r of a line break, also where a program wrote \r\r\n.
func TrimCR(line []byte) []byte {
	for len(line) > 0 && line[len(line)-1] == '\r' {
		line = line[:len(line)-1]
	}
	return line
}

// After returns the index of c at or after from, or the length of b.
func After(b []byte, c byte, from int) int {
	if i := bytes.IndexByte(b[from:], c); i >= 0 {
		return from + i
	}
	return len(b)
}

// WindowBytes is how many bytes are read at a time; a longer line is a giant.
const WindowBytes = 512 << 10

// ErrStop ends a loop over lines early.
var ErrStop = errors.New("stop")

// firstRead is how much is read at first: the first lines may be enough.
const firstRead = int64(8 << 10)

// EachLine reads the text from off to end and calls do for every line, without its line
// break. For a giant line it passes the first WindowBytes, and its length. The slice is
// valid until do returns. broken is false for a last line without a line break.
func EachLine(
	r io.ReaderAt,
	off, end int64,
	buf []byte,
	do func(line []byte, at, size int64, broken bool) error,
) error {
	have := 0         // bytes of an unfinished line at the front of buf
	read := firstRead // at most, next time
	for pos := off; pos < end; read = min(2*read, int64(len(buf))) {
		n := int(min(int64(len(buf)-have), end-pos, read))
		if n == 0 { // a giant
			size, broken, err := giantEnd(r, pos, end)
			if err != nil {
				return err
			}
			at := pos - int64(have)
			if err := do(buf[:have], at, size-at, broken); err != nil {
				return err
			}
			pos, have = size, 0
			if broken {
				pos++
			}
			continue
		}
		if err := ReadFull(r, buf[have:have+n], pos); err != nil {
			return err
		}
		text := buf[:have+n]
		at := pos - int64(have)
		pos += int64(n)
		from := have // the bytes before it have no line break
		start := 0
		for {
			i := bytes.IndexByte(text[from:], '\n')
			if i < 0 {
				break
			}
			line := text[start : from+i]
			if err := do(line, at+int64(start), int64(len(line)), true); err != nil {
				return err
			}
			start = from + i + 1
			from = start
		}
		have = copy(buf, text[start:])
	}
	if have == 0 {
		return nil
	}
	return do(buf[:have], end-int64(have), int64(have), false)
}

// giantEnd finds the line break at or after pos.
func giantEnd(r io.ReaderAt, pos, end int64) (at int64, broken bool, err error) {
	buf := make([]byte, 256<<10)
	for pos < end {
		n := int(min(int64(len(buf)), end-pos))
		if err := ReadFull(r, buf[:n], pos); err != nil {
			return 0, false, err
		}
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return pos + int64(i), true, nil
		}
		pos += int64(n)
	}
	return end, false, nil
}

// ReadFull fills buf from off; a shorter text is an error.
func ReadFull(r io.ReaderAt, buf []byte, off int64) error {
	n, err := r.ReadAt(buf, off)
	if n == len(buf) {
		return nil
	}
	if err == nil || err == io.EOF {
		return fmt.Errorf("read at %d: %w", off, io.ErrUnexpectedEOF)
	}
	return err
}
