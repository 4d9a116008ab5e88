package binlog

import (
	"bytes"
	"encoding/binary"
	"fmt"

	domain "opsdeck/ops/binlog"
)

// Bits are the columns that an image has: the lowest bit of the first byte is the first
// column.
type Bits []byte

// Has reports whether an image has a column.
func (b Bits) Has(column int) bool { return bitmap(b).has(column) }

// Whole reports whether an image has all of n columns.
func (b Bits) Whole(n int) bool { return bitmap(b).count(n) == n }

// Field is a column's value in an image, as stored in the log.
type Field struct {
	Raw    []byte
	Null   bool
	Absent bool // the image does not have the column
}

// Same reports whether two fields are the same bytes.
func (f Field) Same(o Field) bool {
	return f.Null == o.Null && f.Absent == o.Absent && bytes.Equal(f.Raw, o.Raw)
}

// Images is one row of a rows event as stored: the null bits, then the values. An image is
// nil if the event has none of its kind. Fields are the values of chosen columns.
type Images struct {
	Before, After             []byte
	BeforeFields, AfterFields []Field
}

// Kept is the event with its rows in memory of its own: native is what NativeRows made of it.
func (r *Rows) Kept(native []byte) *Rows {
	own := *r
	own.before, own.after, own.head = bytes.Clone(r.before), bytes.Clone(r.after), nil
	own.data = native[len(native)-len(r.data):]
	return &own
}

// Before are the columns of the images before the change.
func (r *Rows) Before() Bits { return Bits(r.before) }

// After are the columns of the images after the change.
func (r *Rows) After() Bits { return Bits(r.after) }

// Partial reports whether JSON documents may be stored as differences.
func (r *Rows) Partial() bool { return r.partial }

// Size is the length of the rows, in bytes.
func (r *Rows) Size() int { return len(r.data) }

// Silent reports whether the log omits rows that foreign keys changed along with these.
func (r *Rows) Silent() bool { return r.silent() }

// KeptFlags are the flags that say what the server must not check again.
func (r *Rows) KeptFlags() uint16 { return r.Flags & rowsNoConstraints }

// SameForm reports whether the rows of two table maps are stored alike.
func (m *TableMap) SameForm(o *TableMap) bool {
	if len(m.types) != len(o.types) {
		return false
	}
	for i, t := range m.types {
		u := o.types[i]
		t.unsigned, u.unsigned = false, false // the log may not tell
		if t != u {
			return false
		}
	}
	return true
}

// Has reports whether rows have n columns.
func (m *TableMap) Has(n int) bool { return len(m.types) == n }

// EachImage calls take with each row and the fields of the given columns, which are in
// ascending order. What it passes is valid until the next call; the bytes are the event's.
func (r *Rows) EachImage(columns []int, take func(*Images) error) error {
	if r.partial {
		return fmt.Errorf("images of partial rows of %s", r.Map.String())
	}
	c := cursor{b: r.data}
	row := Images{BeforeFields: make([]Field, len(columns)), AfterFields: make([]Field, len(columns))}
	before := imageWalk{r.Map.types, r.before, bitmap(r.before).count(len(r.Map.types)), columns}
	after := imageWalk{r.Map.types, r.after, bitmap(r.after).count(len(r.Map.types)), columns}
	for len(c.b) > 0 {
		if r.before != nil {
			row.Before = before.next(&c, row.BeforeFields)
		}
		if r.after != nil {
			row.After = after.next(&c, row.AfterFields)
		}
		if err := c.err("row image"); err != nil {
			return err
		}
		if err := take(&row); err != nil {
			return err
		}
	}
	return nil
}

// imageWalk reads the images of one kind.
type imageWalk struct {
	types   []colType
	present bitmap
	count   int // of the columns that are present
	columns []int
}

func (w *imageWalk) next(c *cursor, fields []Field) []byte {
	start := c.b
	nulls := bitmap(c.take((w.count + 7) / 8))
	at, f := 0, 0
	for i, t := range w.types {
		wanted := f < len(w.columns) && w.columns[f] == i
		var field Field
		switch {
		case !w.present.has(i):
			field.Absent = true
			at--
		case nulls.has(at):
			field.Null = true
		default:
			field.Raw = c.take(t.length(c))
		}
		at++
		if wanted {
			fields[f] = field
			f++
		}
	}
	return start[:len(start)-len(c.b)]
}

// Fields are the fields of an image, one for each column.
func (m *TableMap) Fields(image []byte, has Bits) ([]Field, error) {
	n := len(m.types)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	fields := make([]Field, n)
	c := cursor{b: image}
	w := imageWalk{m.types, bitmap(has), bitmap(has).count(n), all}
	w.next(&c, fields)
	return fields, c.err("row image")
}

// Merged is an image with the columns of a later image over those of an earlier one.
func (m *TableMap) Merged(old []byte, oldBits Bits, now []byte, nowBits Bits) ([]byte, Bits, error) {
	first, err := m.Fields(old, oldBits)
	if err != nil {
		return nil, nil, err
	}
	second, err := m.Fields(now, nowBits)
	if err != nil {
		return nil, nil, err
	}
	bits := make(Bits, (len(first)+7)/8)
	for i := range first {
		if !second[i].Absent {
			first[i] = second[i]
		}
		if !first[i].Absent {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	return joinFields(first, len(old)+len(now)), bits, nil
}

// joinFields is the image of fields.
func joinFields(fields []Field, size int) []byte {
	present := 0
	for _, f := range fields {
		if !f.Absent {
			present++
		}
	}
	out := make([]byte, (present+7)/8, size)
	at := 0
	for _, f := range fields {
		if f.Absent {
			continue
		}
		if f.Null {
			out[at>>3] |= 1 << (at & 7)
		}
		at++
		out = append(out, f.Raw...)
	}
	return out
}

// Text is the canonical text of a field of a column.
func (m *TableMap) Text(column int, f Field) (domain.Value, error) {
	v := domain.Value{Kind: m.Columns[column].Kind, Null: f.Null, Absent: f.Absent}
	if f.Null || f.Absent {
		return v, nil
	}
	var err error
	v.Text, err = m.types[column].text(f.Raw)
	return v, err
}

// integerBytes are the lengths of the integer types.
var integerBytes = map[byte]int{colTiny: 1, colShort: 2, colInt24: 3, colLong: 4, colLongLong: 8}

// IntegerAt is the value of an integer column at the start of raw; ok is false for other
// types. An unsigned one above the signed ones is negative.
func (m *TableMap) IntegerAt(column int, raw []byte, unsigned bool) (n int64, ok bool) {
	size := integerBytes[m.types[column].code]
	if size == 0 || len(raw) < size {
		return 0, false
	}
	c := cursor{b: raw}
	v := c.le(size)
	if unsigned {
		return int64(v), true
	}
	shift := 64 - 8*size
	return int64(v<<shift) >> shift, true
}

// Draft is a rows event that is being made for the BINLOG statement.
type Draft struct{ raw []byte }

// NewDraft begins an event for rows of like's table: an insert has only after images, a
// delete only before images. It checks no foreign keys; flags are those of KeptFlags.
func NewDraft(native []byte, like *Rows, verb domain.Verb, before, after Bits, flags uint16, size int) *Draft {
	extra := hasExtra(Type(native[4]))
	types := map[domain.Verb]Type{
		domain.Insert: TypeWriteRowsV1, domain.Update: TypeUpdateRowsV1, domain.Delete: TypeDeleteRowsV1,
	}
	if extra {
		types = map[domain.Verb]Type{
			domain.Insert: TypeWriteRows, domain.Update: TypeUpdateRows, domain.Delete: TypeDeleteRows,
		}
	}
	d := &Draft{raw: make([]byte, 0, size)}
	d.raw = append(d.raw, native[:headerSize]...)
	d.raw[4] = byte(types[verb])
	d.raw = append(d.raw, 0, 0, 0, 0, 0, 0) // the table number
	d.raw = binary.LittleEndian.AppendUint16(d.raw, rowsEndOfStatement|rowsNoForeignKeys|flags)
	if extra {
		d.raw = binary.LittleEndian.AppendUint16(d.raw, 2)
	}
	n := len(like.Map.types)
	if n < 251 {
		d.raw = append(d.raw, byte(n))
	} else {
		d.raw = binary.LittleEndian.AppendUint16(append(d.raw, 0xfc), uint16(n))
	}
	d.raw = append(append(d.raw, before...), after...)
	return d
}

// Add appends a row's images in the order in which the event has them.
func (d *Draft) Add(images ...[]byte) {
	for _, i := range images {
		d.raw = append(d.raw, i...)
	}
}

// Len is the length of the event so far, in bytes.
func (d *Draft) Len() int { return len(d.raw) }

// Native is the finished event.
func (d *Draft) Native() []byte {
	binary.LittleEndian.PutUint32(d.raw[9:], uint32(len(d.raw)))
	return d.raw
}
