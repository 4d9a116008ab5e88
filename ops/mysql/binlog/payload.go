package binlog

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Fields of a transaction payload event.
const (
	payloadEnd         = 0
	payloadBytes       = 1
	payloadCompression = 2
	payloadSize        = 3
)

// payloadReaders pools decoders for one payload at a time; the window limit is the largest
// that the server may use.
var payloadReaders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<31))
	if err != nil {
		panic(err) // fixed options
	}
	return d
}}

// openPayload calls take with each event inside a transaction payload. These events have
// no checksums, and their bytes are valid until take returns.
func openPayload(e *Event, f *Format, take func(*Event) error) error {
	c := cursor{b: e.body()}
	compression := uint64(255)
	for !c.bad {
		field := c.lenenc()
		if field == payloadEnd {
			break
		}
		part := cursor{b: c.take(c.count())}
		if field == payloadCompression {
			compression = part.lenenc()
		}
	}
	if err := c.err("transaction payload"); err != nil {
		return err
	}
	switch compression {
	case 0:
		d := payloadReaders.Get().(*zstd.Decoder)
		defer payloadReaders.Put(d)
		if err := d.Reset(bytes.NewReader(c.b)); err != nil {
			return err
		}
		return payloadEvents(d, f, take)
	case 255:
		return payloadEvents(bytes.NewReader(c.b), f, take)
	}
	return fmt.Errorf("%w: a payload compressed by the unknown method %d", ErrDamaged, compression)
}

func payloadEvents(r io.Reader, f *Format, take func(*Event) error) error {
	plain := *f
	plain.Checksum = false
	d := NewDecoder(r, uint64(headerSize), &plain)
	for {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("in a transaction payload: %w", err)
		}
		if err := take(e); err != nil {
			return err
		}
	}
}

// inflate decompresses a MariaDB event: one byte with the number of length bytes, the
// length (highest byte first), then a zlib stream.
func inflate(b []byte) ([]byte, error) {
	c := cursor{b: b}
	head := c.u8()
	if head>>4&7 != 0 {
		return nil, fmt.Errorf("%w: an event compressed by the unknown method %d", ErrDamaged, head>>4&7)
	}
	size := c.be(int(head & 7))
	if c.bad || size > largest {
		return nil, fmt.Errorf("%w: a short compressed event", ErrDamaged)
	}
	return unzip(zlib.NewReader, c.b, int(size))
}

// inflateColumn decompresses a MariaDB column. The low three bits of the first byte give
// the number of length bytes, highest first; the bit with value 8 means deflate data without
// a zlib header.
//
// MariaDB Server, sql/field_comp.cc, "compress_zlib".
func inflateColumn(b []byte) ([]byte, error) {
	c := cursor{b: b}
	if len(b) == 0 {
		return nil, nil
	}
	head := c.u8()
	if head == 0 {
		return c.b, nil
	}
	size := c.be(int(head & 7))
	if c.bad || head>>4 != 8 || size > largest {
		return nil, fmt.Errorf("%w: a compressed column", ErrDamaged)
	}
	if head&8 != 0 {
		raw := func(r io.Reader) (io.ReadCloser, error) { return flate.NewReader(r), nil }
		return unzip(raw, c.b, int(size))
	}
	return unzip(zlib.NewReader, c.b, int(size))
}

func unzip(open func(io.Reader) (io.ReadCloser, error), b []byte, size int) ([]byte, error) {
	z, err := open(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer z.Close()
	out, err := readSized(z, nil, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if n, err := z.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: compressed data is not as long as it says", ErrDamaged)
	}
	return out, nil
}
