package rewind

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"opsdeck/ops/binlog"
)

// inverseVersion is the version of the format in which the inverse of a run is kept:
// zstd of a line of JSON, {"format_version", "rows"}, and the rows. A row is the name of
// its table, 1 when it is mixed, and its two images; a text is its length and its bytes;
// an image is 0 when the row is not there, else the number of its values and one, and of
// each a byte (the kind, 64 when it is null, 128 when it is absent) and a text.
const inverseVersion = 1

// ErrInverse says that an inverse cannot be read.
var ErrInverse = errors.New("the rows that were kept cannot be read")

type inverseHead struct {
	FormatVersion int `json:"format_version"`
	Rows          int `json:"rows"`
}

const (
	kindBits = 0x1f
	isExact  = 0x20
	isNull   = 0x40
	isAbsent = 0x80
)

// Changes calls take with each of some row changes, in the order in which they were done.
// Their images are valid until take returns.
type Changes func(take func(binlog.NetRow) error) error

// WriteInverse writes the n row changes of a run.
func WriteInverse(to io.Writer, n int, changes Changes) error {
	w, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(inverseHead{inverseVersion, n}); err != nil {
		return errors.Join(err, w.Close())
	}
	var buf []byte
	err = changes(func(r binlog.NetRow) error {
		n--
		if buf = appendRow(buf, &r); len(buf) < 64<<10 {
			return nil
		}
		_, err := w.Write(buf)
		buf = buf[:0]
		return err
	})
	if err == nil && n != 0 {
		err = fmt.Errorf("%w: %d rows are missing", ErrInverse, n)
	}
	if err == nil {
		_, err = w.Write(buf)
	}
	return errors.Join(err, w.Close())
}

func appendRow(buf []byte, r *binlog.NetRow) []byte {
	buf = appendText(buf, r.Table)
	mixed := byte(0)
	if r.Mixed {
		mixed = 1
	}
	buf = append(buf, mixed)
	return appendImage(appendImage(buf, r.Before), r.After)
}

func appendText[T string | []byte](buf []byte, text T) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}

func appendImage(buf []byte, image []binlog.Value) []byte {
	if image == nil {
		return binary.AppendUvarint(buf, 0)
	}
	buf = binary.AppendUvarint(buf, uint64(len(image)+1))
	for _, v := range image {
		kind := byte(v.Kind)
		if v.Null {
			kind |= isNull
		}
		if v.Absent {
			kind |= isAbsent
		}
		if v.Exact != nil {
			kind |= isExact
		}
		buf = appendText(append(buf, kind), v.Text)
		if v.Exact != nil {
			buf = appendText(buf, v.Exact)
		}
	}
	return buf
}

// ReadInverse reads what WriteInverse wrote. An error after some rows says that it is not
// whole.
func ReadInverse(from io.Reader, take func(binlog.NetRow) error) error {
	z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInverse, err)
	}
	defer z.Close()
	r := bufio.NewReaderSize(z, 64<<10)
	line, err := r.ReadBytes('\n')
	var head inverseHead
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInverse, err)
	}
	if head.FormatVersion > inverseVersion {
		return fmt.Errorf("%w: written by a newer version", ErrInverse)
	}
	in := &inverseReader{r: r}
	for range head.Rows {
		row := binlog.NetRow{Table: string(in.text())}
		row.Mixed = in.byte() == 1
		row.Before, row.After = in.image(), in.image()
		if in.err != nil {
			return fmt.Errorf("%w: %w", ErrInverse, in.err)
		}
		if err := take(row); err != nil {
			return err
		}
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: there is more than %d rows", ErrInverse, head.Rows)
	}
	return nil
}

// imageOf is an image from the bytes of appendImage.
func imageOf(raw []byte) ([]binlog.Value, error) {
	b := append([]byte(nil), raw...) // the values share it
	number := func() (n uint64) {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > mostText {
			b = nil
			return 0
		}
		b = b[size:]
		return n
	}
	text := func() []byte {
		n := number()
		if n > uint64(len(b)) {
			n = 0
			b = nil
		}
		out := b[:n:n]
		b = b[n:]
		return out
	}
	n := number()
	if n == 0 || n > 1<<16 {
		return nil, ErrInverse
	}
	image := make([]binlog.Value, n-1)
	for i := range image {
		if len(b) == 0 {
			return nil, ErrInverse
		}
		kind := b[0]
		b = b[1:]
		v := &image[i]
		v.Kind = binlog.Kind(kind & kindBits)
		v.Null = kind&isNull != 0
		v.Absent = kind&isAbsent != 0
		v.Text = text()
		if kind&isExact != 0 {
			v.Exact = text()
		}
	}
	return image, nil
}

// inverseReader reads parts of rows; its first error stays.
type inverseReader struct {
	r   *bufio.Reader
	err error
}

// mostText is how long a value may be; MySQL's own bound.
const mostText = 1 << 32

func (in *inverseReader) number() (n uint64) {
	if in.err == nil {
		n, in.err = binary.ReadUvarint(in.r)
	}
	return n
}

func (in *inverseReader) byte() (b byte) {
	if in.err == nil {
		b, in.err = in.r.ReadByte()
	}
	return b
}

func (in *inverseReader) text() []byte {
	n := in.number()
	if n > mostText && in.err == nil {
		in.err = ErrInverse
	}
	if in.err != nil || n == 0 {
		return nil
	}
	text := make([]byte, n)
	_, in.err = io.ReadFull(in.r, text)
	return text
}

func (in *inverseReader) image() []binlog.Value {
	n := in.number()
	if n > 1<<16 && in.err == nil {
		in.err = ErrInverse
	}
	if n == 0 || in.err != nil {
		return nil
	}
	image := make([]binlog.Value, n-1)
	for i := range image {
		kind := in.byte()
		image[i] = binlog.Value{
			Kind:   binlog.Kind(kind & kindBits),
			Null:   kind&isNull != 0,
			Absent: kind&isAbsent != 0,
			Text:   in.text(),
		}
		if kind&isExact != 0 {
			image[i].Exact = in.text()
		}
	}
	return image
}
