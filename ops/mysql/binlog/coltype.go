package binlog

import (
	"fmt"

	domain "opsdeck/ops/binlog"
)

// Codes of column types in a table map.
const (
	colTiny              = 1
	colShort             = 2
	colLong              = 3
	colFloat             = 4
	colDouble            = 5
	colNull              = 6
	colTimestamp         = 7
	colLongLong          = 8
	colInt24             = 9
	colDate              = 10
	colTime              = 11
	colDatetime          = 12
	colYear              = 13
	colNewDate           = 14
	colVarchar           = 15
	colBit               = 16
	colTimestamp2        = 17
	colDatetime2         = 18
	colTime2             = 19
	colBlobCompressed    = 140
	colVarcharCompressed = 141
	colVector            = 242
	colJSON              = 245
	colNewDecimal        = 246
	colEnum              = 247
	colSet               = 248
	colTinyBlob          = 249
	colMediumBlob        = 250
	colLongBlob          = 251
	colBlob              = 252
	colVarString         = 253
	colString            = 254
	colGeometry          = 255
)

// binaryCharset is the number of the collation "binary".
const binaryCharset = 63

// colType is how a column's values are stored in row images.
type colType struct {
	code     byte
	a, b     int // metadata: see readMeta
	unsigned bool
}

// readMeta reads a type's metadata. Afterwards a is the length in bytes (strings,
// ENUM, SET, BIT), the bytes of the length (BLOBs), the digits of fractions (times)
// or the precision; b is the scale, or the bits of a BIT's first byte.
func (t *colType) readMeta(c *cursor) error {
	switch t.code {
	case colFloat,
		colDouble,
		colBlob,
		colGeometry,
		colJSON,
		colVector,
		colBlobCompressed,
		colTimestamp2,
		colDatetime2,
		colTime2:
		t.a = int(c.u8())
	case colVarchar, colVarString, colVarcharCompressed:
		t.a = int(c.u16())
	case colBit:
		t.b, t.a = int(c.u8()), int(c.u8())
		if t.b > 0 {
			t.a++
		}
	case colNewDecimal:
		t.a, t.b = int(c.u8()), int(c.u8())
	case colString, colEnum, colSet:
		t.readString(c.u8(), c.u8())
	case colTiny,
		colShort,
		colLong,
		colNull,
		colTimestamp,
		colLongLong,
		colInt24,
		colDate,
		colTime,
		colDatetime,
		colYear,
		colNewDate:
	case colTinyBlob:
		t.code, t.a = colBlob, 1
	case colMediumBlob:
		t.code, t.a = colBlob, 3
	case colLongBlob:
		t.code, t.a = colBlob, 4
	default:
		return fmt.Errorf("%w: a column of the unknown type %d", ErrDamaged, t.code)
	}
	return nil
}

// readString decodes the two metadata bytes of a "string" type: its real type and its
// length. Two bits of a length above 255 are stored inverted in the type byte.
func (t *colType) readString(real, length byte) {
	t.a = int(length)
	if real&0x30 != 0x30 {
		t.a |= int(real&0x30^0x30) << 4
		real |= 0x30
	}
	if real == colEnum || real == colSet || real == colString {
		t.code = real
	}
}

// isNumeric reports whether the table map's signedness bitmap has a bit for the column.
func (t colType) isNumeric() bool {
	switch t.code {
	case colTiny, colShort, colInt24, colLong, colLongLong, colNewDecimal, colFloat, colDouble, colYear:
		return true
	}
	return false
}

// isText reports whether the table map's character set fields count the column.
func (t colType) isText() bool {
	switch t.code {
	case colVarchar, colVarString, colString, colBlob, colVarcharCompressed, colBlobCompressed:
		return true
	}
	return false
}

func (t colType) isEnumOrSet() bool { return t.code == colEnum || t.code == colSet }

// kind is the domain's kind of the type; charset 0 means unknown.
func (t colType) kind(charset int) domain.Kind {
	switch t.code {
	case colFloat:
		return domain.Float
	case colDouble:
		return domain.Double
	case colTimestamp, colDate, colTime, colDatetime, colNewDate, colTimestamp2, colDatetime2, colTime2:
		return domain.Temporal
	case colBit:
		return domain.Bits
	case colJSON:
		return domain.JSON
	case colEnum:
		return domain.Enum
	case colSet:
		return domain.Set
	case colGeometry, colVector:
		return domain.Binary
	}
	if !t.isText() {
		return domain.Number
	}
	if charset == binaryCharset {
		return domain.Binary
	}
	return domain.Text
}

var typeNames = map[byte]string{
	colTiny:              "tinyint",
	colShort:             "smallint",
	colLong:              "int",
	colFloat:             "float",
	colDouble:            "double",
	colTimestamp:         "timestamp",
	colLongLong:          "bigint",
	colInt24:             "mediumint",
	colDate:              "date",
	colTime:              "time",
	colDatetime:          "datetime",
	colYear:              "year",
	colNewDate:           "date",
	colVarchar:           "varchar",
	colBit:               "bit",
	colTimestamp2:        "timestamp",
	colDatetime2:         "datetime",
	colTime2:             "time",
	colVector:            "vector",
	colJSON:              "json",
	colNewDecimal:        "decimal",
	colEnum:              "enum",
	colSet:               "set",
	colBlob:              "blob",
	colVarString:         "varchar",
	colString:            "char",
	colGeometry:          "geometry",
	colBlobCompressed:    "blob",
	colVarcharCompressed: "varchar",
}

func (t colType) name(charset int) string {
	name := typeNames[t.code]
	switch {
	case name == "blob" && charset != binaryCharset && charset != 0:
		name = "text"
	case charset == binaryCharset && name == "char":
		name = "binary"
	case charset == binaryCharset && name == "varchar":
		name = "varbinary"
	}
	if t.unsigned {
		name += " unsigned"
	}
	return name
}
