package swap

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/mysql/sqlscan"
)

// canon converts the values of a live table and of a dump to a common form, in which equal
// values are equal bytes. A column whose bytes a dump's text does not determine is
// omitted, and changes in it are not detected.
type canon struct {
	t       *schema.Table
	columns []schema.Column // as read from the live table
	key     []int           // indexes of the key's columns in columns; nil for none
	use     []bool          // per column: whether it is compared
	buf     []byte
}

func newCanon(t *schema.Table, session load.RecordSession, names []string) *canon {
	c := &canon{t: t, columns: t.Stored(false)}
	c.use = make([]bool, len(c.columns))
	for i, col := range c.columns {
		c.use[i] = slices.Contains(names, col.Name) && comparable(col, session)
	}
	for _, k := range t.Key {
		at := -1
		for i, col := range c.columns {
			if col.Name == k && c.use[i] {
				at = i
			}
		}
		if at < 0 {
			c.key = nil
			break
		}
		c.key = append(c.key, at)
	}
	return c
}

// comparable reports whether a dump's text gives a column's canonical value.
func comparable(c schema.Column, session load.RecordSession) bool {
	if session.Native {
		return true
	}
	switch c.Form {
	case schema.FormRaw, schema.FormWide:
		return session.UTF8 && c.Charset == "ascii"
	case schema.FormText, schema.FormJSON:
		return session.UTF8 && (c.DataType != "timestamp" || session.UTC)
	case schema.FormFloat:
		return c.DataType != "float" // printed with six digits
	case schema.FormNumber:
		return c.DataType != "enum"
	}
	return true
}

// whole reports whether all columns are compared.
func (c *canon) whole() bool {
	for _, use := range c.use {
		if !use {
			return false
		}
	}
	return true
}

// hashed is what is kept of a backup's row: the hash of its key, and of the whole row.
type hashed struct {
	key, row checksum.Sum
	count    int32 // number of such rows
}

// hash makes a record of a row's canonical values. Without a key, the whole row is the
// key.
func (c *canon) hash(values [][]byte) hashed {
	c.buf = c.buf[:0]
	for i, v := range values {
		if c.use[i] {
			c.buf = appendPart(c.buf, v)
		}
	}
	r := hashed{row: checksum.Row(c.buf), count: 1}
	if r.key = r.row; c.key == nil {
		return r
	}
	c.buf = c.buf[:0]
	for _, i := range c.key {
		c.buf = appendPart(c.buf, values[i])
	}
	r.key = checksum.Row(c.buf)
	return r
}

// appendPart appends a value, nil for NULL, in an unambiguous encoding.
func appendPart(dst, v []byte) []byte {
	if v == nil {
		return append(dst, 0xff)
	}
	dst = append(dst, 0)
	dst = binary.AppendUvarint(dst, uint64(len(v)))
	return append(dst, v...)
}

// live splits a live row into canonical values.
func (c *canon) live(row []byte, values [][]byte) bool {
	for i := range c.columns {
		text, rest, null, ok := rowread.Value(row)
		if !ok {
			return false
		}
		row = rest
		if values[i] = nil; !null {
			values[i] = canonical(c.columns[i], text)
		}
	}
	return true
}

// dumped orders the values of a dump's row by the live table's columns; ok is false for a
// value that only a server can compute.
func (c *canon) dumped(places []int, row []sqlscan.Value, values [][]byte) (ok bool) {
	for i, at := range places {
		values[i] = nil
		if !c.use[i] {
			continue
		}
		switch v := row[at]; v.Kind {
		case sqlscan.Null:
		case sqlscan.Other:
			return false
		case sqlscan.Digits:
			if c.columns[i].DataType == "bit" {
				n, err := strconv.ParseUint(string(v.Text), 10, 64)
				if err != nil {
					return false
				}
				values[i] = canonical(c.columns[i], binary.BigEndian.AppendUint64(nil, n))
				break
			}
			values[i] = canonical(c.columns[i], v.Text)
		default:
			values[i] = canonical(c.columns[i], v.Text)
		}
	}
	return true
}

// places are the indexes of the live table's columns in a dump's row; -1 if absent.
func (c *canon) places(names []string) []int {
	out := make([]int, len(c.columns))
	for i, col := range c.columns {
		out[i] = -1
		for at, n := range names {
			if n == col.Name {
				out[i] = at
			}
		}
	}
	return out
}

// canonical is a value in the form in which it is compared; it is never nil.
func canonical(c schema.Column, text []byte) []byte {
	switch {
	case c.Form == schema.FormFloat:
		if f, err := strconv.ParseFloat(string(text), 64); err == nil {
			return strconv.AppendFloat(nil, f, 'g', -1, 64)
		}
	case c.DataType == "bit":
		text = bytes.TrimLeft(text, "\x00")
	}
	if text == nil {
		return []byte{}
	}
	return text
}
