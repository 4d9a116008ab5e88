package logfile

import (
	"bytes"
	binaryorder "encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"opsdeck/internal/unpack"
	"opsdeck/ops/logs/line"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// spool is an unnamed temporary file: it disappears with its last user, however that one
// ends. One goroutine writes, any number reads.
type spool struct {
	f    *os.File
	size atomic.Int64
	of   fs.FileInfo // the packed file of which this is the whole text, or nil
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "opsdeck-log-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	os.Remove(f.Name())
	return &spool{f: f}, nil
}

// Write appends.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.f.WriteAt(p, s.size.Load())
	s.size.Add(int64(n))
	return n, err
}

// Size is the number of bytes written.
func (s *spool) Size() int64 { return s.size.Load() }

// Written is the packed file's modification time, which gzip keeps from the log.
func (s *spool) Written() time.Time { return writtenAt(s.of) }

// ReadAt reads what was written.
func (s *spool) ReadAt(p []byte, off int64) (int, error) { return s.f.ReadAt(p, off) }

// Close frees the space.
func (s *spool) Close() error { return s.f.Close() }

// unpacker returns the function that unpacks a file that starts with head, or nil if it is
// not compressed.
func unpacker(path string, head []byte) func(io.Reader) (io.Reader, error) {
	switch {
	case unpack.Packed(head), strings.HasSuffix(path, ".gz") && len(head) > 0 && !utf8.Valid(head[:min(len(head), 2)]):
		return func(r io.Reader) (io.Reader, error) { return unpack.Reader(r) }
	case binary(head):
		return func(io.Reader) (io.Reader, error) { return nil, errNoText }
	}
	return nil
}

// errNoText says that a file is not text.
var errNoText = &unpack.FormatError{Format: "no text"}

// holeBytes are so many zeros in a row that they are a hole: a crash or a truncation left
// them in the file.
const holeBytes = 128

// binary reports whether a file is not text: one byte in ten is a control character that
// no log contains; or one in 25, and one in ten is of no character in UTF-8, from the
// beginning on, as in what is compressed or encrypted. A log may have holes of zeros, single
// lines of another encoding, and the bytes of a BLOB in a statement; UTF-16 and UTF-32 have
// zeros throughout.
func binary(head []byte) bool {
	if wide(head) {
		return false
	}
	if head = withoutHoles(bytes.TrimLeft(head, "\x00")); len(head) < 64 || wide(head) {
		return false
	}
	return controls(head) > len(head)/10 || garbled(head[:min(len(head), 512)]) && garbled(head)
}

// wide tells whether a text has more than one byte for every character.
func wide(head []byte) bool {
	if _, ok := utf16Order(head); ok {
		return true
	}
	_, ok := utf32Order(head)
	return ok
}

// controls counts the control characters that no log contains.
func controls(head []byte) (n int) {
	for _, c := range head {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != 0x1b && c != '\b' && c != '\f' {
			n++
		}
	}
	return n
}

// garbled tells whether a text is neither UTF-8 nor free of control characters.
func garbled(head []byte) bool {
	if controls(head) <= len(head)/25 {
		return false
	}
	bad := 0
	for rest := head; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		rest = rest[n:]
	}
	return bad > len(head)/10
}

// withoutHoles is a text without its holes.
func withoutHoles(p []byte) []byte {
	hole := make([]byte, holeBytes)
	at := bytes.Index(p, hole)
	if at < 0 {
		return p
	}
	out := bytes.Clone(p[:at])
	for at >= 0 {
		p = bytes.TrimLeft(p[at:], "\x00")
		if at = bytes.Index(p, hole); at >= 0 {
			out = append(out, p[:at]...)
		}
	}
	return append(out, p...)
}

// reader returns a writer that converts a text that starts with head to UTF-8 lines and
// writes them to w; nil if no conversion is needed.
func reader(head []byte, w io.Writer) io.WriteCloser {
	if line.IsWrapped(head) {
		return &unwrapper{w: w}
	}
	if order, ok := utf32Order(head); ok {
		return transform.NewWriter(w, utf32.UTF32(order, utf32.UseBOM).NewDecoder())
	}
	if order, ok := utf16Order(head); ok {
		return transform.NewWriter(w, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
	}
	if looksGBK(head) {
		return &chineseLines{w: w, known: true}
	}
	return nil
}

// converter is reader for a text that is copied in any case: a line in GB18030 may come
// later.
func converter(head []byte, w io.Writer) io.WriteCloser {
	if to := reader(head, w); to != nil {
		return to
	}
	return &chineseLines{w: w}
}

// lineConverter is converter for a text whose lines may end with \r.
func lineConverter(head []byte, w io.Writer) io.WriteCloser {
	to := converter(head, w)
	if endsWithReturns(head) {
		return &returnWriter{w: to}
	}
	return to
}

// utf16Order recognizes UTF-16 by its byte order mark, by zeros in every second byte, or by
// line breaks of two bytes beside zeros that are all in the same half of the units.
func utf16Order(head []byte) (unicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	}
	var zeros, breaks [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i&1]++
			if other := i ^ 1; other < len(head) && head[other] == '\n' {
				breaks[i&1]++
			}
		}
	}
	if n := len(head); n%2 == 1 && head[n-1] == '\n' { // its zero is yet to come
		breaks[1]++
	}
	half := len(head) / 2
	for at, order := range [2]unicode.Endianness{unicode.BigEndian, unicode.LittleEndian} {
		zero, rest := zeros[at], zeros[1-at]
		if half >= 8 && (zero > half*2/3 && rest < half/10 || rest == 0 && breaks[at] > 0 && zero > half/8) {
			return order, true
		}
	}
	return unicode.LittleEndian, false
}

// utf32Order recognizes UTF-32: every four bytes are a character, and the first of them is
// the byte order mark, or half of them are ASCII.
func utf32Order(head []byte) (utf32.Endianness, bool) {
	head = head[:len(head)&^3]
	if len(head) < 8 || head[0] != 0 && head[3] != 0 {
		return utf32.LittleEndian, false
	}
	order := utf32.LittleEndian
	unit := binaryorder.LittleEndian.Uint32
	if head[0] == 0 {
		order = utf32.BigEndian
		unit = binaryorder.BigEndian.Uint32
	}
	ascii := 0
	for at := 0; at < len(head); at += 4 {
		switch c := unit(head[at:]); {
		case c > utf8.MaxRune, c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0x1b:
			return order, false
		case c < utf8.RuneSelf:
			ascii++
		}
	}
	return order, unit(head) == 0xfeff || ascii*8 > len(head)
}
