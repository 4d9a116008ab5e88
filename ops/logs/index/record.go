package index

import (
	"bytes"
	"encoding/binary"
	"io"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// record is one that a line opens.
type record struct {
	id   uint32 // of its first line's stand-in
	ms   int64
	last int64 // where its last line begins
}

// firstLook is how much of a record is read at first; most are shorter.
const firstLook = 2 << 10

// record reads the record that the line at an offset may open, in a text that ends at end.
func (b *Builder) record(r io.ReaderAt, at, end int64) (rec record, ok bool) {
	text, ok := b.recordText(r, at, end)
	if !ok {
		return rec, false
	}
	e, ms, breaks, ok := b.parser.Record(string(text))
	if !ok {
		return rec, false
	}
	rec = record{id: b.Table.Record(e.Level), ms: ms, last: at}
	for range breaks {
		i := bytes.IndexByte(text, '\n') + 1
		text = text[i:]
		rec.last += int64(i)
	}
	return rec, true
}

// below gives a line whose level may be on the line below the shape for that level.
func (b *Builder) below(l *seenLine, r io.ReaderAt, at, end int64) {
	n := min(firstLook, end-at)
	if int64(len(b.rec)) < n {
		b.rec = make([]byte, n)
	}
	if logline.ReadFull(r, b.rec[:n], at) != nil {
		return
	}
	if level, ok := b.levelBelow(b.rec[:n]); ok {
		l.id = b.Table.Below(level)
		l.shape = b.Shape(l.id)
	}
}

func (b *Builder) levelBelow(text []byte) (logs.Level, bool) {
	level, _, ok := b.parser.Below(string(logline.Visible(text, nil)))
	return level, ok && level != logs.LevelUnknown
}

// recordText is the text of a record that ends within what is read of one.
func (b *Builder) recordText(r io.ReaderAt, at, end int64) ([]byte, bool) {
	for size := int64(firstLook); ; size = logline.RecordBytes {
		n := min(size, end-at)
		if int64(len(b.rec)) < n {
			b.rec = make([]byte, n)
		}
		text := b.rec[:n]
		if logline.ReadFull(r, text, at) != nil {
			return nil, false
		}
		if length, ok := extent(text, n == end-at); ok {
			return text[:length], true
		} else if length == 0 || size == logline.RecordBytes || n == end-at {
			return nil, false
		}
	}
}

// extent is how long the record is that a text begins with: an object up to the first line
// that is not indented, which closes it; an entry up to an empty line, or the text's end
// where it is whole. Without ok it is 0 where no further text would change that.
func extent(text []byte, whole bool) (n int, ok bool) {
	object := bytes.HasPrefix(logline.Visible(text[:min(len(text), 64)], nil), []byte{'{'})
	for first := true; n < len(text); first = false {
		size := bytes.IndexByte(text[n:], '\n')
		if size < 0 && !whole {
			return 1, false
		}
		if size < 0 {
			size = len(text) - n
		}
		l := logline.Visible(logline.TrimCR(text[n:n+size]), nil)
		n = min(n+size+1, len(text))
		switch {
		case first:
		case object && len(l) > 0 && l[0] == '}':
			return n, true
		case object && (len(l) == 0 || l[0] != ' ' && l[0] != '\t'):
			return 0, false
		case !object && len(l) == 0:
			return n, true
		case !object && bytes.IndexByte(l, '=') < 0: // its value follows, with its length in front
			if len(text)-n < 8 {
				return 1, false
			}
			value := binary.LittleEndian.Uint64(text[n:])
			if value > uint64(len(text)-n-8) {
				return 1, false
			}
			n = min(n+8+int(value)+1, len(text))
		}
	}
	return n, whole && !object
}
