package binlog

import (
	domain "opsdeck/ops/binlog"
)

// TableMap describes how the rows of the following events are stored.
type TableMap struct {
	domain.Table
	ID              uint64
	types           []colType
	signednessKnown bool // the log contains the signedness of numbers
}

// Kinds of optional metadata in a table map.
const (
	metaSignedness     = 1
	metaDefaultCharset = 2
	metaColumnCharset  = 3
	metaColumnName     = 4
	metaSetMembers     = 5
	metaEnumMembers    = 6
	metaSimpleKey      = 8
	metaPrefixKey      = 9
	metaEnumDefault    = 10
	metaEnumCharset    = 11
)

func parseTableMap(e *Event, f *Format) (*TableMap, error) {
	c := cursor{b: e.body()}
	m := &TableMap{ID: tableID(&c, e.Type, f)}
	c.u16() // flags
	m.Schema, m.Name = c.terminated(), c.terminated()
	n := c.count()
	codes := c.take(n)
	meta := cursor{b: c.take(c.count())}
	nullable := bitmap(c.take((n + 7) / 8))
	if err := c.err("table map"); err != nil {
		return nil, err
	}
	m.types = make([]colType, n)
	m.Columns = make([]domain.Column, n)
	for i, code := range codes {
		m.types[i].code = code
		if err := m.types[i].readMeta(&meta); err != nil {
			return nil, err
		}
		m.Columns[i].Nullable = nullable.has(i)
	}
	if err := meta.err("table map"); err != nil {
		return nil, err
	}
	m.readOptional(&c)
	for i := range m.Columns {
		col := &m.Columns[i]
		col.Kind, col.Type = m.types[i].kind(col.Charset), m.types[i].name(col.Charset)
	}
	return m, c.err("table map's metadata")
}

// tableID reads a table number, which has four bytes in very old logs.
func tableID(c *cursor, t Type, f *Format) uint64 {
	if f.postHeader(t) == 6 {
		return uint64(c.u32())
	}
	return c.u48()
}

func (m *TableMap) readOptional(c *cursor) {
	for len(c.b) > 0 && !c.bad {
		kind := c.u8()
		part := cursor{b: c.take(c.count())}
		m.optional(kind, &part)
	}
}

func (m *TableMap) optional(kind byte, part *cursor) {
	switch kind {
	case metaSignedness:
		m.signednessKnown = true
		i := 0
		unsigned := msbBits(part.b)
		m.each(colType.isNumeric, func(col int) {
			m.types[col].unsigned = unsigned.has(i)
			m.Columns[col].Signed = true
			i++
		})
	case metaDefaultCharset:
		m.defaultCharset(part, colType.isText)
	case metaColumnCharset:
		m.each(colType.isText, func(col int) { m.Columns[col].Charset = int(part.lenenc()) })
	case metaEnumDefault:
		m.defaultCharset(part, colType.isEnumOrSet)
	case metaEnumCharset:
		m.each(colType.isEnumOrSet, func(col int) { m.Columns[col].Charset = int(part.lenenc()) })
	case metaColumnName:
		for i := range m.Columns {
			m.Columns[i].Name = string(part.take(part.count()))
		}
	case metaSetMembers:
		m.members(part, colSet)
	case metaEnumMembers:
		m.members(part, colEnum)
	case metaSimpleKey, metaPrefixKey:
		for len(part.b) > 0 && !part.bad {
			if i := part.lenenc(); i < uint64(len(m.Columns)) {
				m.Columns[i].Key = true
			}
			if kind == metaPrefixKey {
				part.lenenc()
			}
		}
	}
}

// each calls do with the index of every column for which is returns true.
func (m *TableMap) each(is func(colType) bool, do func(col int)) {
	for i, t := range m.types {
		if is(t) {
			do(i)
		}
	}
}

// defaultCharset reads the default charset and the exceptions, which are indexed among the
// columns with a charset.
func (m *TableMap) defaultCharset(part *cursor, is func(colType) bool) {
	usual := int(part.lenenc())
	other := map[int]int{}
	for len(part.b) > 0 && !part.bad {
		at := int(part.lenenc())
		other[at] = int(part.lenenc())
	}
	i := 0
	m.each(is, func(col int) {
		m.Columns[col].Charset = usual
		if own, ok := other[i]; ok {
			m.Columns[col].Charset = own
		}
		i++
	})
}

func (m *TableMap) members(part *cursor, code byte) {
	m.each(func(t colType) bool { return t.code == code }, func(col int) {
		n := part.count()
		for range n {
			m.Columns[col].Members = append(m.Columns[col].Members, string(part.take(part.count())))
		}
	})
}

// msbBits is a bitmap with the highest bit of the first byte first.
type msbBits []byte

func (m msbBits) has(i int) bool { return i>>3 < len(m) && m[i>>3]&(0x80>>(i&7)) != 0 }
