package binlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// largest is the size limit of an event, in bytes: the servers' limit for
// max_allowed_packet, 1 GiB, plus room for the header.
const largest = 1<<30 + 1<<20

// Decoder splits a binlog into events and verifies their checksums.
type Decoder struct {
	in     *bufio.Reader
	format *Format
	pos    uint64
	buf    []byte
}

// NewDecoder reads binlog bytes from r, starting at position pos of the file. With pos 4
// (or 0), r may begin with the file's magic. A reader that starts later needs the file's
// Format.
func NewDecoder(r io.Reader, pos uint64, f *Format) *Decoder {
	return &Decoder{in: bufio.NewReaderSize(r, 256<<10), format: f, pos: pos}
}

// Format is the last format description that was read; nil before the first.
func (d *Decoder) Format() *Format { return d.format }

// Pos is the end position of the last event in its file.
func (d *Decoder) Pos() uint64 { return d.pos }

// Next reads the next event. Its bytes are valid until the next call. It returns io.EOF at
// the end of the log and io.ErrUnexpectedEOF in the middle of an event.
func (d *Decoder) Next() (*Event, error) {
	if d.pos <= uint64(len(Magic)) {
		if head, _ := d.in.Peek(len(Magic)); bytes.Equal(head, Magic) {
			d.in.Discard(len(Magic))
			d.pos = uint64(len(Magic))
		}
	}
	raw, err := d.read()
	if err != nil {
		return nil, err
	}
	e, err := ParseEvent(raw, d.format)
	if err != nil {
		return nil, fmt.Errorf("at %d: %w", d.pos, err)
	}
	d.pos += uint64(len(raw))
	if e.Type == TypeFormat {
		if d.format, err = parseFormat(e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (d *Decoder) read() ([]byte, error) {
	head, err := d.in.Peek(headerSize)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	_, size, err := parseHeader(head)
	if err != nil {
		return nil, fmt.Errorf("at %d: %w", d.pos, err)
	}
	if size > largest {
		return nil, fmt.Errorf("at %d: %w: an event of %d bytes", d.pos, ErrDamaged, size)
	}
	if d.buf, err = readSized(d.in, d.buf[:0], int(size)); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return d.buf, err
}

// Each calls take with each event in memory and its end position. from is the position of the
// first; before it, the file's magic is skipped. The bytes must be those that were written:
// checksums are not verified. The event is valid until take returns. Each returns the format
// that holds after the last event.
func Each(raw []byte, from uint64, f *Format, take func(e *Event, end uint64) error) (*Format, error) {
	if from <= uint64(len(Magic)) && bytes.HasPrefix(raw, Magic) {
		raw, from = raw[len(Magic):], uint64(len(Magic))
	}
	var e Event
	for len(raw) > 0 {
		head, size, err := parseHeader(raw)
		if err == nil && uint64(size) > uint64(len(raw)) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return f, fmt.Errorf("at %d: %w", from, err)
		}
		e = head
		e.Raw, raw = raw[:size:size], raw[size:]
		from += uint64(size)
		if e.Type == TypeFormat {
			if f, err = parseFormat(&e); err != nil {
				return f, err
			}
		}
		e.sum = f != nil && f.Checksum
		if err := take(&e, from); err != nil {
			return f, err
		}
	}
	return f, nil
}

// readSized appends n bytes and grows buf as they arrive, so a wrong length costs no
// memory.
func readSized(r io.Reader, buf []byte, n int) ([]byte, error) {
	const piece = 1 << 20
	for n > 0 {
		at := len(buf)
		step := min(n, piece)
		if cap(buf) < at+step {
			grown := make([]byte, at, max(2*cap(buf), at+step))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:at+step]
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			return nil, err
		}
		n -= step
	}
	return buf, nil
}

// ParseEvent parses one whole event of a log in format f and verifies its checksum.
// Without a format only rotate and format description events can be parsed.
func ParseEvent(raw []byte, f *Format) (*Event, error) {
	e, size, err := parseHeader(raw)
	if err != nil {
		return nil, err
	}
	if int(size) != len(raw) {
		return nil, fmt.Errorf("%w: an event of %d bytes says %d", ErrDamaged, len(raw), size)
	}
	e.Raw = raw
	switch {
	case e.Type == TypeFormat:
		// The checksum excludes this flag, which marks a file that is still open for writing.
		raw[inUseAt] &^= flagInUse
		own, err := parseFormat(&e)
		if err != nil {
			return nil, err
		}
		e.sum = own.Checksum
	case f != nil:
		e.sum = f.Checksum
	}
	return &e, e.verify()
}
