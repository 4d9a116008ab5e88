package logfile

import (
	"bytes"
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

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
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
		return func(io.Reader) (io.Reader, error) { return nil, &unpack.FormatError{Format: "no text"} }
	}
	return nil
}

// binary reports whether a file is not text: one byte in ten is a control character that
// no log contains. A log may start with zeros, and UTF-16 has them throughout.
func binary(head []byte) bool {
	head = bytes.TrimLeft(head, "\x00")
	if _, wide := utf16Order(head); wide || len(head) < 64 {
		return false
	}
	control := 0
	for _, c := range head {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != 0x1b && c != '\b' && c != '\f' {
			control++
		}
	}
	return control > len(head)/10
}

// reader returns a writer that converts a text that starts with head to UTF-8 lines and
// writes them to w; nil if no conversion is needed.
func reader(head []byte, w io.Writer) io.WriteCloser {
	if line.IsWrapped(head) {
		return &unwrapper{w: w}
	}
	if order, ok := utf16Order(head); ok {
		return transform.NewWriter(w, unicode.UTF16(order, unicode.UseBOM).NewDecoder())
	}
	if looksGBK(head) {
		return transform.NewWriter(w, simplifiedchinese.GB18030.NewDecoder())
	}
	return nil
}

// utf16Order recognizes UTF-16 by its byte order mark, or by zeros in every second byte.
func utf16Order(head []byte) (unicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	}
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i&1]++
		}
	}
	half := len(head) / 2
	switch {
	case half >= 8 && zeros[1] > half*2/3 && zeros[0] < half/10:
		return unicode.LittleEndian, true
	case half >= 8 && zeros[0] > half*2/3 && zeros[1] < half/10:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// looksGBK recognizes text in GBK or GB18030: it is not UTF-8, and nearly all non-ASCII
// bytes form pairs for common characters.
func looksGBK(head []byte) bool {
	if i := bytes.LastIndexByte(head, '\n'); i > 0 {
		head = head[:i]
	}
	if utf8.Valid(head) {
		return false
	}
	pairs, bad := 0, 0
	for i := 0; i < len(head); i++ {
		c := head[i]
		if c < 0x80 {
			continue
		}
		if i+1 < len(head) && c >= 0xb0 && c <= 0xf7 && head[i+1] >= 0xa1 && head[i+1] != 0xff ||
			i+1 < len(head) && c >= 0xa1 && c <= 0xa3 && head[i+1] >= 0xa1 {
			pairs++
		} else {
			bad++
		}
		i++
	}
	return pairs >= 4 && bad*10 <= pairs
}
