package binlog

import (
	"fmt"

	domain "opsdeck/ops/binlog"
)

// Rows is a parsed rows event, ready for row-by-row reading.
type Rows struct {
	Map     *TableMap
	Verb    domain.Verb
	Flags   uint16
	partial bool   // JSON values of the after image may be differences
	before  bitmap // columns of the before image, or of a delete's
	after   bitmap // columns of the after image, or of an insert's
	head    []byte // the event's body before the rows
	data    []byte
}

// rowsID is the table number in a rows event.
func rowsID(e *Event, f *Format) uint64 {
	c := cursor{b: e.body()}
	return tableID(&c, e.Type, f)
}

// parse parses a rows event with its table map.
func (r *Rows) parse(e *Event, f *Format, m *TableMap) error {
	c := cursor{b: e.body()}
	tableID(&c, e.Type, f)
	*r = Rows{Map: m, Verb: rowsVerb(e.Type), partial: e.Type == TypePartialUpdateRows, Flags: c.u16()}
	if hasExtra(e.Type) {
		if extra := int(c.u16()); extra >= 2 {
			c.take(extra - 2)
		}
	}
	n := int(min(c.lenenc(), 1<<20))
	if n != len(m.types) {
		return fmt.Errorf("%w: rows of %d columns for the table %s of %d", ErrDamaged, n, m.String(), len(m.types))
	}
	first := bitmap(c.take((n + 7) / 8))
	switch r.Verb {
	case domain.Insert:
		r.after = first
	case domain.Delete:
		r.before = first
	default:
		r.before, r.after = first, bitmap(c.take((n+7)/8))
	}
	r.data = c.b
	r.head = e.body()[:len(e.body())-len(c.b)]
	if err := c.err("rows event"); err != nil {
		return err
	}
	if isCompressedRows(e.Type) {
		var err error
		if r.data, err = inflate(r.data); err != nil {
			return err
		}
	}
	return nil
}

func rowsVerb(t Type) domain.Verb {
	switch t {
	case TypeWriteRowsV1, TypeWriteRows, TypeWriteRowsComp1, TypeWriteRowsComp2:
		return domain.Insert
	case TypeDeleteRowsV1, TypeDeleteRows, TypeDeleteRowsComp1, TypeDeleteRowsComp2:
		return domain.Delete
	}
	return domain.Update
}

func hasExtra(t Type) bool {
	switch t {
	case TypeWriteRows,
		TypeUpdateRows,
		TypeDeleteRows,
		TypePartialUpdateRows,
		TypeWriteRowsComp2,
		TypeUpdateRowsComp2,
		TypeDeleteRowsComp2:
		return true
	}
	return false
}

func isCompressedRows(t Type) bool { return t >= TypeWriteRowsComp1 && t <= TypeDeleteRowsComp2 }

// Count is the number of rows in the event.
func (r *Rows) Count() (n int, err error) {
	c := cursor{b: r.data}
	for len(c.b) > 0 {
		if err := r.skipRow(&c); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (r *Rows) skipRow(c *cursor) error {
	if r.before != nil {
		if err := r.skipImage(c, r.before); err != nil {
			return err
		}
	}
	if r.after == nil {
		return nil
	}
	if r.partial {
		m := imageReader{r: r, present: r.after, some: make([]bool, len(r.Map.types))}
		_, err := m.readAfter(c, nil)
		return err
	}
	return r.skipImage(c, r.after)
}

func (r *Rows) skipImage(c *cursor, present bitmap) error {
	nulls := bitmap(c.take((present.count(len(r.Map.types)) + 7) / 8))
	at := 0
	for i, t := range r.Map.types {
		if !present.has(i) {
			continue
		}
		if !nulls.has(at) {
			c.take(t.length(c))
		}
		at++
	}
	return c.err("row image")
}

// InPart reports whether an update may hold only the changed parts of a JSON document that
// is not in the log: binlog_row_value_options is PARTIAL_JSON and binlog_row_image is not
// FULL.
func (r *Rows) InPart() bool {
	if !r.partial {
		return false
	}
	for i, t := range r.Map.types {
		if t.code == colJSON && r.after.has(i) && !r.before.has(i) {
			return true
		}
	}
	return false
}

// Each calls take with each row. Values are valid until the next call.
func (r *Rows) Each(take func(domain.RowChange) error) error { return r.each(nil, take) }

// EachOf is Each with the values of some columns alone; all others are Absent.
func (r *Rows) EachOf(columns []int, take func(domain.RowChange) error) error {
	some := make([]bool, len(r.Map.types))
	for _, i := range columns {
		some[i] = true
	}
	return r.each(some, take)
}

// each calls take with each row. With some, it decodes only the columns that are true in it.
func (r *Rows) each(some []bool, take func(domain.RowChange) error) error {
	c := cursor{b: r.data}
	before := imageReader{r: r, present: r.before, some: some}
	after := imageReader{r: r, present: r.after, some: some}
	for len(c.b) > 0 {
		change := domain.RowChange{Verb: r.Verb, Table: &r.Map.Table, Silent: r.silent()}
		var err error
		if r.before != nil {
			if change.Before, err = before.read(&c, nil); err != nil {
				return err
			}
		}
		if r.after != nil {
			if change.After, err = after.readAfter(&c, before.raws); err != nil {
				return err
			}
		}
		if err := take(change); err != nil {
			return err
		}
	}
	return nil
}

// imageReader reads the before or the after images of a rows event.
type imageReader struct {
	r       *Rows
	present bitmap
	some    []bool         // the columns to decode; nil for all
	values  []domain.Value // with some, of the last image
	raws    [][]byte       // of a partial update, the JSON documents of the last image
}

// readAfter parses an after image. In a partial update, it first lists the JSON columns
// that are stored as differences.
func (m *imageReader) readAfter(c *cursor, before [][]byte) ([]domain.Value, error) {
	if !m.r.partial {
		return m.read(c, nil)
	}
	options := c.lenenc()
	diffs := &partialColumns{before: before}
	if options&1 != 0 {
		n := 0
		m.r.Map.each(func(t colType) bool { return t.code == colJSON }, func(int) { n++ })
		diffs.bits = bitmap(c.take((n + 7) / 8))
	}
	return m.read(c, diffs)
}

// partialColumns are the JSON columns of an image that are stored as differences.
type partialColumns struct {
	bits   bitmap
	before [][]byte // the old documents, by column; nil where one is not in the log
	seen   int
}

// next is the slice for the next image.
func (m *imageReader) next() []domain.Value {
	n := len(m.r.Map.types)
	if m.some == nil {
		return make([]domain.Value, n)
	}
	if m.values == nil {
		m.values = make([]domain.Value, n)
	}
	clear(m.values)
	return m.values
}

func (m *imageReader) read(c *cursor, partial *partialColumns) ([]domain.Value, error) {
	r := m.r
	nulls := bitmap(c.take((m.present.count(len(r.Map.types)) + 7) / 8))
	values := m.next()
	if r.partial {
		m.raws = make([][]byte, len(values))
	}
	at := 0
	for i, t := range r.Map.types {
		isPartial := false
		if partial != nil && t.code == colJSON {
			isPartial = partial.bits.has(partial.seen)
			partial.seen++
		}
		v := &values[i]
		v.Kind = r.Map.Columns[i].Kind
		if !m.present.has(i) {
			v.Absent = true
			continue
		}
		isNull := nulls.has(at)
		at++
		if isNull {
			v.Null = true
			continue
		}
		if m.some != nil && !m.some[i] {
			v.Absent = true
			c.take(t.length(c))
			continue
		}
		if err := m.value(c, i, v, isPartial, partial); err != nil {
			return nil, fmt.Errorf("column %d of %s: %w", i+1, r.Map.String(), err)
		}
	}
	return values, c.err("row image")
}

func (m *imageReader) value(c *cursor, i int, v *domain.Value, isPartial bool, partial *partialColumns) (err error) {
	t := m.r.Map.types[i]
	raw := c.take(t.length(c))
	if c.bad {
		return c.err("value")
	}
	if t.code != colJSON {
		v.Text, err = t.text(raw)
		return err
	}
	doc := raw[t.a:]
	switch {
	case !isPartial:
		if m.raws != nil {
			m.raws[i] = doc
		}
		var odd bool
		if v.Text, odd, err = jsonText(doc); err == nil && odd {
			v.Exact, err = jsonExact(doc, v.Text)
		}
	case partial.before == nil || partial.before[i] == nil:
		v.Absent = true // the old document is not in the log
	default:
		v.Text, v.Exact, err = applyJSONDiffs(partial.before[i], doc)
	}
	return err
}
