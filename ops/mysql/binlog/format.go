package binlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Format is the content of a file's format description event.
type Format struct {
	Server   string    // the server's version
	Created  time.Time // zero unless this is the first file after a server start
	MariaDB  bool
	Checksum bool   // events end with a CRC32
	lengths  []byte // post-header length of each event type
	raw      []byte // the event
}

// parseFormat parses a format description event. The event always has room for a checksum,
// even if the file's other events have none. The format outlives the event's bytes.
func parseFormat(e *Event) (*Format, error) {
	raw := bytes.Clone(e.Raw)
	body := raw[headerSize:]
	if len(body) < 2+50+4+1+1+checksumSize {
		return nil, fmt.Errorf("%w: a short format description", ErrDamaged)
	}
	if v := binary.LittleEndian.Uint16(body); v != 4 {
		return nil, fmt.Errorf("%w: format version %d, not 4", ErrDamaged, v)
	}
	f := &Format{Server: string(bytes.TrimRight(body[2:52], "\x00")), raw: raw}
	if at := binary.LittleEndian.Uint32(body[52:]); at != 0 {
		f.Created = time.Unix(int64(at), 0)
	}
	if body[56] != headerSize {
		return nil, fmt.Errorf("%w: headers of %d bytes, not %d", ErrDamaged, body[56], headerSize)
	}
	f.MariaDB = strings.Contains(strings.ToLower(f.Server), "mariadb")
	switch algorithm := body[len(body)-checksumSize-1]; algorithm {
	case 0:
	case 1:
		f.Checksum = true
	default:
		return nil, fmt.Errorf("%w: checksums of the unknown kind %d", ErrDamaged, algorithm)
	}
	f.lengths = body[57 : len(body)-checksumSize-1]
	return f, nil
}

// postHeader is the length of the fixed part after the header of an event type.
func (f *Format) postHeader(t Type) int {
	if i := int(t) - 1; i >= 0 && i < len(f.lengths) {
		return int(f.lengths[i])
	}
	return 0
}

// Rotate is the file and position where the log continues.
type Rotate struct {
	File string
	Pos  uint64
}

// parseRotate parses a rotate event. The one that begins a stream arrives before the
// file's format is known: its last four bytes are a checksum if they match one.
func parseRotate(e *Event) (Rotate, error) {
	body := e.body()
	if e.Artificial() && !e.sum && sumOK(e.Raw) {
		body = body[:len(body)-checksumSize]
	}
	if len(body) < 9 {
		return Rotate{}, fmt.Errorf("%w: a short rotate event", ErrDamaged)
	}
	return Rotate{File: string(body[8:]), Pos: binary.LittleEndian.Uint64(body)}, nil
}

// ParseFormat parses a format description event.
func ParseFormat(e *Event) (*Format, error) { return parseFormat(e) }

// ParseRotate parses a rotate event.
func ParseRotate(e *Event) (Rotate, error) { return parseRotate(e) }
