// Package unpack gives the text of a file that is compressed, packed alone into an
// archive, or written in UTF-16, whatever its name: its first bytes tell.
package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// FormatError names a format that is known and not read.
type FormatError struct{ Format string }

func (e *FormatError) Error() string { return "the file is " + e.Format }

// ErrSeveral says that an archive holds several files: which one is meant is not known.
var ErrSeveral = errors.New("the archive holds several files")

// ErrEmpty says that an archive holds no file.
var ErrEmpty = errors.New("the archive holds no file")

// mostLayers is how deep packed files are opened: a .tar.gz inside a .zip.
const mostLayers = 4

// Bounds of what one frame of zstd, and the header of a .lzma, may ask for.
const (
	zstdMemory = 256 << 20
	lzmaMemory = 256 << 20
)

// Reader reads the text. Reading fails where the file is damaged or cut off.
func Reader(r io.Reader) (io.ReadCloser, error) {
	out := &layers{}
	in := bufio.NewReaderSize(r, 64<<10)
	for range mostLayers {
		head, err := in.Peek(headBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			if len(head) == 0 {
				out.Close()
				return nil, err
			}
			out.Reader = io.MultiReader(bytes.NewReader(bytes.Clone(head)), broken{err})
			return out, nil
		}
		next, err := out.open(in, head)
		if err != nil {
			out.Close()
			return nil, err
		}
		if next == nil {
			out.Reader = in
			return out, nil
		}
		in = bufio.NewReaderSize(next, 64<<10)
	}
	out.Close()
	return nil, fmt.Errorf("the file is packed more than %d times", mostLayers)
}

// headBytes is what tells a format: the mark of a tar is at its byte 257.
const headBytes = 512

// broken fails, after what could be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// layers closes what it has opened.
type layers struct {
	io.Reader
	closers []func()
	live    bool // what was packed last is waited for: nothing is read ahead
}

func (l *layers) Close() error {
	for _, c := range l.closers {
		c()
	}
	l.closers = nil
	return nil
}

// open takes off one layer; nil when there is none.
func (l *layers) open(in *bufio.Reader, head []byte) (io.Reader, error) {
	has := func(mark string) bool { return bytes.HasPrefix(head, []byte(mark)) }
	switch {
	case has("\x1f\x8b"):
		return gzip.NewReader(in)
	case has("\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		at := 2
		if l.live {
			at = 1
		}
		d, err := zstd.NewReader(in, zstd.WithDecoderMaxMemory(zstdMemory), zstd.WithDecoderConcurrency(at))
		if err == nil {
			l.closers = append(l.closers, d.Close)
		}
		return d, err
	case has("BZh"):
		return bzip2.NewReader(in), nil
	case has("\xfd7zXZ\x00"):
		return xz.NewReader(in)
	case isLZMA(head):
		return lzma.ReaderConfig{DictCap: lzmaMemory}.NewReader(in)
	case has("\x04\x22\x4d\x18"):
		return &lz4Frames{in: in}, nil
	case has("PK\x03\x04"):
		return newZip(in)
	case isTar(head):
		return newTar(in)
	case has("\xef\xbb\xbf"):
		_, err := in.Discard(3)
		return in, err
	case has("\xff\xfe\x00\x00"), has("\x00\x00\xfe\xff"):
		return nil, &FormatError{"text in UTF-32"}
	case has("\xff\xfe"), has("\xfe\xff"):
		return newUTF16(in), nil
	}
	if name := wide(head); name != "" {
		return nil, &FormatError{name}
	}
	return nil, known(head)
}

// wide names text of two or four bytes a character without a byte order mark: its first
// two characters are ASCII, with NUL bytes in between. SQL text has no NUL byte there.
func wide(head []byte) string {
	ascii := func(b byte) bool { return b == '\t' || b == '\n' || b == '\r' || b >= ' ' && b < 0x7f }
	for _, form := range []struct {
		name      string
		width, at int // bytes a character, and the place of the one that is not NUL
	}{
		{"text in UTF-16 (little-endian) without a byte order mark", 2, 0},
		{"text in UTF-16 (big-endian) without a byte order mark", 2, 1},
		{"text in UTF-32 without a byte order mark", 4, 0},
		{"text in UTF-32 without a byte order mark", 4, 3},
	} {
		fits := len(head) >= 2*form.width
		for i := 0; fits && i < 2*form.width; i++ {
			if i%form.width == form.at {
				fits = ascii(head[i])
			} else {
				fits = head[i] == 0
			}
		}
		if fits {
			return form.name
		}
	}
	return ""
}

// formats are marks of what is no SQL text, and what they mark.
var formats = []struct{ mark, name string }{
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"}, {"Rar!\x1a\x07", "a RAR archive"}, {"\x1f\x9d", "packed by compress (.Z)"},
	{
		"\x02\x21\x4c\x18",
		"packed by an old lz4",
	}, {"PK\x05\x06", "an empty zip archive"}, {"XBSTCK01", "an xbstream of XtraBackup or mariadb-backup"},
	{
		"PGDMP",
		"a dump of PostgreSQL",
	}, {"\xff\x06\x00\x00sNaPpY", "packed by snappy"}, {"\x89LZO\x00\r\n\x1a\n", "packed by lzop"},
	{
		"age-encryption.org/",
		"encrypted by age",
	}, {"LPKSHHRH", "a journal of systemd (journalctl --file reads it)"},
	{"SQLite format 3\x00", "an SQLite database"}, {"Salted__", "encrypted by openssl"},
	{"-----BEGIN PGP MESSAGE", "encrypted by PGP"}, {"<?xml", "XML (mysqldump --xml)"}, {"\xfebin", "a binary log"},
}

func known(head []byte) error {
	for _, f := range formats {
		if bytes.HasPrefix(head, []byte(f.mark)) {
			return &FormatError{f.name}
		}
	}
	return nil
}

// packedMarks are the marks of what Reader opens, or knows and refuses, and no text begins with.
var packedMarks = []string{
	"\x1f\x8b", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ\x00", "\x04\x22\x4d\x18", "PK\x03\x04", "PK\x05\x06",
	"7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "\x1f\x9d", "\x02\x21\x4c\x18", "SQLite format 3\x00", "Salted__", "\xfebin",
	"\xff\x06\x00\x00sNaPpY", "\x89LZO\x00\r\n\x1a\n", "age-encryption.org/", "LPKSHHRH",
}

// Packed tells by the first bytes of a file whether Reader opens it, or says what it is.
func Packed(head []byte) bool {
	for _, mark := range packedMarks {
		if bytes.HasPrefix(head, []byte(mark)) {
			return mark != "BZh" || len(head) > 9 && string(head[4:10]) == "1AY&SY"
		}
	}
	return isTar(head) || isLZMA(head)
}

// isLZMA tells by its header whether a file is packed in the form before .xz, which has no
// mark: the properties that every packer writes, the sizes, and a zero.
func isLZMA(head []byte) bool {
	const size = lzma.HeaderLen
	return len(head) > size && head[0] == 0x5d && head[1]|head[2]|head[size] == 0 && lzma.ValidHeader(head[:size])
}

// lz4Frames reads frame after frame to the end of the file.
type lz4Frames struct {
	in    *bufio.Reader
	frame *lz4.Reader
}

func (f *lz4Frames) Read(p []byte) (int, error) {
	for {
		if f.frame == nil {
			if _, err := f.in.Peek(1); err != nil {
				return 0, err
			}
			f.frame = lz4.NewReader(f.in)
		}
		n, err := f.frame.Read(p)
		if errors.Is(err, io.EOF) {
			f.frame = nil
			if n == 0 {
				continue
			}
			err = nil
		}
		return n, err
	}
}

// tarFile is the one file of a tar; that there is no other is known at its end.
type tarFile struct {
	r  *tar.Reader
	in io.Reader
}

func newTar(in io.Reader) (io.Reader, error) {
	t := tar.NewReader(in)
	if err := nextFile(t); err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrEmpty
		}
		return nil, err
	}
	return &tarFile{t, in}, nil
}

func nextFile(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if err != nil || h.Typeflag == tar.TypeReg {
			return err
		}
	}
}

func (f *tarFile) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	switch next := nextFile(f.r); {
	case next == nil:
		return n, ErrSeveral
	case !errors.Is(next, io.EOF):
		return n, next
	}
	if _, err := io.Copy(io.Discard, f.in); err != nil { // what it is packed in must be whole too
		return n, err
	}
	return n, io.EOF
}
