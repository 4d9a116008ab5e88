package binlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bits of a rows event's flags.
const (
	rowsEndOfStatement = 1
	rowsNoForeignKeys  = 2
	rowsLogCascades    = 16  // USE_SQL_FOREIGN_KEY_F: MySQL from 9.6 on
	rowsNoConstraints  = 128 // NO_CHECK_CONSTRAINT_CHECKS_F: MariaDB
)

// rowsFlagsAt is the offset of the flags in a rows event's body, after the table number.
const rowsFlagsAt = 6

// Offsets in a format description's body.
const (
	formatCreatedAt = 52 // creation time: the server's start
)

// Native is the format description for the BINLOG statement: without checksums, and
// without the server's start time, which would drop temporary tables.
func (f *Format) Native() []byte {
	raw := bytes.Clone(f.raw)
	raw[inUseAt] &^= flagInUse
	clear(raw[headerSize+formatCreatedAt : headerSize+formatCreatedAt+4])
	raw[len(raw)-checksumSize-1] = 0
	clear(raw[len(raw)-checksumSize:])
	return raw
}

// NativeMap is the table map of a Change for the BINLOG statement, with the given database
// name.
func (i *Item) NativeMap(schema string) ([]byte, error) { return nativeMap(nil, i.Map, schema) }

// NativeRows is the rows of a Change for the BINLOG statement: as a statement of its own,
// neither compressed nor with a checksum. Without foreignKeys the server checks no foreign
// keys and cascades no change.
func (i *Item) NativeRows(foreignKeys bool) ([]byte, error) {
	return nativeRows(nil, i.Event, i.Rows, foreignKeys)
}

// SetTable sets the table number in a native table map or native rows. The same number
// links the two within a statement.
func SetTable(native []byte, number uint32) {
	clear(native[headerSize : headerSize+6])
	binary.LittleEndian.PutUint32(native[headerSize:], number)
}

// EndStatement sets whether native rows are the last of their statement, or more rows of it
// follow, of tables that are already mapped.
func EndStatement(native []byte, last bool) {
	native[headerSize+rowsFlagsAt] &^= rowsEndOfStatement
	if last {
		native[headerSize+rowsFlagsAt] |= rowsEndOfStatement
	}
}

// CheckNoKeys sets the flag of native rows that the server checks no foreign keys and cascades
// no change.
func CheckNoKeys(native []byte) { native[headerSize+rowsFlagsAt] |= rowsNoForeignKeys }

// NativeSize is the length of native rows, in bytes.
func (r *Rows) NativeSize() int { return headerSize + len(r.head) + len(r.data) }

// ForeignKeys reports whether the session that made the change checked foreign keys.
func (r *Rows) ForeignKeys() bool { return r.Flags&rowsNoForeignKeys == 0 }

// silent reports whether the log omits rows that foreign keys changed along with these.
// MySQL from 9.6 on logs them, unless innodb_native_foreign_keys is on, and flags the
// event; MariaDB and earlier versions do not.
func (r *Rows) silent() bool { return r.Flags&(rowsNoForeignKeys|rowsLogCascades) == 0 }

// MapNameAt is the offset of the database name in a native table map, after the table
// number and the flags.
const MapNameAt = headerSize + 8

// nativeMap rewrites a table map with another database name.
func nativeMap(into []byte, e *Event, schema string) ([]byte, error) {
	const fixed = 8 // table number and flags
	body := e.body()
	if len(body) < fixed+1 || len(schema) > 255 {
		return nil, fmt.Errorf("%w: a short table map", ErrDamaged)
	}
	rest := body[fixed:]
	name := int(rest[0])
	if len(rest) < 1+name {
		return nil, fmt.Errorf("%w: a short table map", ErrDamaged)
	}
	rest = rest[1+name:]
	into = nativeHeader(into, e, e.Type, fixed+1+len(schema)+len(rest))
	into = append(into, body[:fixed]...)
	into = append(into, byte(len(schema)))
	into = append(into, schema...)
	return append(into, rest...), nil
}

// nativeRows rewrites a rows event as one that ends its statement.
func nativeRows(into []byte, e *Event, r *Rows, foreignKeys bool) ([]byte, error) {
	if len(r.head) < rowsFlagsAt+2 {
		return nil, fmt.Errorf("%w: a short rows event", ErrDamaged)
	}
	flags := r.Flags | rowsEndOfStatement
	if !foreignKeys {
		flags |= rowsNoForeignKeys
	}
	into = nativeHeader(into, e, plainRows(e.Type), len(r.head)+len(r.data))
	at := len(into)
	into = append(into, r.head...)
	binary.LittleEndian.PutUint16(into[at+rowsFlagsAt:], flags)
	return append(into, r.data...), nil
}

// nativeHeader appends the header of an event with a body of n bytes.
func nativeHeader(into []byte, e *Event, t Type, n int) []byte {
	at := len(into)
	into = append(into, e.Raw[:headerSize]...)
	into[at+4] = byte(t)
	binary.LittleEndian.PutUint32(into[at+9:], uint32(headerSize+n))
	binary.LittleEndian.PutUint32(into[at+13:], 0)
	return into
}

// plainRows is the uncompressed form of a rows event type.
func plainRows(t Type) Type {
	switch t {
	case TypeWriteRowsComp1, TypeUpdateRowsComp1, TypeDeleteRowsComp1:
		return t - TypeWriteRowsComp1 + TypeWriteRowsV1
	case TypeWriteRowsComp2, TypeUpdateRowsComp2, TypeDeleteRowsComp2:
		return t - TypeWriteRowsComp2 + TypeWriteRows
	}
	return t
}
