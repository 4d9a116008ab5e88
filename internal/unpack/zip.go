package unpack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// zipFile is the one file of a zip archive, read from its beginning: the list at its
// end only tells that there is no other.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.7, 4.3.9)
type zipFile struct {
	in     *bufio.Reader
	body   io.Reader
	sum    hash.Hash32
	crc    uint32
	behind bool // size and sum come after the file
	size   uint32
	read   int64
	done   bool

	several bool // further files may follow
}

const (
	zipEncrypted  = 1 << 0
	zipDescriptor = 1 << 3
	zipHead       = 30
	zipEnd        = 22      // of the last record, before its comment
	zipList       = 1 << 20 // a list of one file, at most
)

var (
	errZip  = errors.New("the zip archive is damaged")
	zipSign = []byte("PK\x07\x08")
)

func newZip(in *bufio.Reader) (io.Reader, error) {
	for {
		if _, z, err := nextZip(in); z != nil || err != nil {
			return z, err
		}
		if next, err := in.Peek(4); err != nil || string(next) != "PK\x03\x04" {
			return nil, ErrEmpty
		}
	}
}

// nextZip begins the next file of an archive; nil for a folder.
func nextZip(in *bufio.Reader) (string, *zipFile, error) {
	head := make([]byte, zipHead)
	if _, err := io.ReadFull(in, head); err != nil {
		return "", nil, errZip
	}
	flags := binary.LittleEndian.Uint16(head[6:])
	method := binary.LittleEndian.Uint16(head[8:])
	name := make([]byte, binary.LittleEndian.Uint16(head[26:]))
	skip := int(binary.LittleEndian.Uint16(head[28:]))
	z := &zipFile{
		in:     in,
		sum:    crc32.NewIEEE(),
		crc:    binary.LittleEndian.Uint32(head[14:]),
		behind: flags&zipDescriptor != 0,
	}
	z.size = binary.LittleEndian.Uint32(head[22:])
	packed := binary.LittleEndian.Uint32(head[18:])
	if _, err := io.ReadFull(in, name); err != nil {
		return "", nil, errZip
	}
	if _, err := in.Discard(skip); err != nil {
		return "", nil, errZip
	}
	switch {
	case flags&zipEncrypted != 0:
		return "", nil, &FormatError{"a zip archive with a password"}
	case method == 8:
		z.body = flate.NewReader(in)
	case method == 0 && !z.behind && packed == 0 && bytes.HasSuffix(name, []byte("/")):
		return "", nil, nil
	case method == 0 && !z.behind && packed != 0xffffffff:
		z.body = io.LimitReader(in, int64(packed))
	default:
		return "", nil, &FormatError{"a zip archive of an unusual kind"}
	}
	return string(name), z, nil
}

func (z *zipFile) Read(p []byte) (int, error) {
	if z.done {
		return 0, io.EOF
	}
	n, err := z.body.Read(p)
	z.sum.Write(p[:n])
	z.read += int64(n)
	if errors.Is(err, io.EOF) {
		if err = z.end(); err == nil {
			z.done, err = true, io.EOF
		}
	}
	return n, err
}

// end proves the file by its sum, and that it is the only one.
func (z *zipFile) end() error {
	if z.behind {
		if err := z.descriptor(); err != nil {
			return err
		}
	}
	if z.crc != z.sum.Sum32() || !z.behind && z.size != 0xffffffff && int64(z.size) != z.read {
		return errZip
	}
	if z.several {
		return nil
	}
	next, err := z.in.Peek(4)
	switch {
	case err != nil:
		return io.ErrUnexpectedEOF
	case string(next) == "PK\x03\x04":
		return ErrSeveral
	case string(next) != "PK\x01\x02":
		return errZip
	}
	list, err := io.ReadAll(io.LimitReader(z.in, zipList))
	if err != nil {
		return err
	}
	at := bytes.LastIndex(list, []byte("PK\x05\x06"))
	if at < 0 || len(list) < at+zipEnd || len(list) < at+zipEnd+int(binary.LittleEndian.Uint16(list[at+zipEnd-2:])) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// descriptor reads sum and sizes after the file: 4 or 8 bytes each.
func (z *zipFile) descriptor() error {
	sign, err := z.in.Peek(4)
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	if string(sign) == string(zipSign) {
		z.in.Discard(4)
	}
	sum := make([]byte, 4)
	if _, err := io.ReadFull(z.in, sum); err != nil {
		return io.ErrUnexpectedEOF
	}
	z.crc = binary.LittleEndian.Uint32(sum)
	for _, sizes := range []int{8, 16} {
		ahead, err := z.in.Peek(sizes + 4)
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		if string(ahead[sizes:sizes+2]) == "PK" {
			_, err = z.in.Discard(sizes)
			return err
		}
	}
	return errZip
}
