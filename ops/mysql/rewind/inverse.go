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

// InverseVersion is the version of the format in which the inverse of a run is kept:
// zstd of a line of JSON, {"format_version", "rows"}, and the rows. A row is the name of
// its table, 1 when it is mixed, and its two images; a text is its length and its bytes;
// an image is 0 when the row is not there, else the number of its values and one, and of
// each a byte (the kind, 64 when it is null, 128 when it is absent) and a text.
const InverseVersion = 1

// ErrInverse says that an inverse cannot be read.
var ErrInverse = errors.New("the rows that were kept cannot be read")

type inverseHead struct {
	FormatVersion int `json:"format_version"`
	Rows          int `json:"rows"`
}

const (
	isNull   = 0x40
	isAbsent = 0x80
)

// WriteInverse writes the rows that take a run back.
func WriteInverse(to io.Writer, rows []binlog.NetRow) error {
	w, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(inverseHead{InverseVersion, len(rows)}); err != nil {
		return errors.Join(err, w.Close())
	}
	var buf []byte
	for i := range rows {
		buf = appendRow(buf, &rows[i])
		if len(buf) < 64<<10 && i < len(rows)-1 {
			continue
		}
		if _, err := w.Write(buf); err != nil {
			return errors.Join(err, w.Close())
		}
		buf = buf[:0]
	}
	return w.Close()
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
		buf = appendText(append(buf, kind), v.Text)
	}
	return buf
}

// ReadInverse reads what WriteInverse wrote, whole or not at all.
func ReadInverse(from io.Reader) ([]binlog.NetRow, error) {
	z, err := zstd.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInverse, err)
	}
	defer z.Close()
	r := bufio.NewReaderSize(z, 64<<10)
	line, err := r.ReadBytes('\n')
	var head inverseHead
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInverse, err)
	}
	if head.FormatVersion > InverseVersion {
		return nil, fmt.Errorf("%w: written by a newer version", ErrInverse)
	}
	in := &inverseReader{r: r}
	var rows []binlog.NetRow
	for range head.Rows {
		row := binlog.NetRow{Table: string(in.text())}
		row.Mixed = in.byte() == 1
		row.Before, row.After = in.image(), in.image()
		if in.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInverse, in.err)
		}
		rows = append(rows, row)
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: there is more than %d rows", ErrInverse, head.Rows)
	}
	return rows, nil
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
			Kind:   binlog.Kind(kind &^ (isNull | isAbsent)),
			Null:   kind&isNull != 0,
			Absent: kind&isAbsent != 0,
			Text:   in.text(),
		}
	}
	return image
}
