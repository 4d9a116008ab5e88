package binlog

import (
	"fmt"
	"math"
	"strconv"
)

// length is the number of bytes of the value at the cursor, including its length prefix.
func (t colType) length(c *cursor) int {
	peek := cursor{b: c.b}
	switch t.code {
	case colTiny, colYear:
		return 1
	case colShort:
		return 2
	case colInt24, colDate, colTime, colNewDate:
		return 3
	case colLong, colFloat, colTimestamp:
		return 4
	case colDouble, colLongLong, colDatetime:
		return 8
	case colTimestamp2:
		return 4 + fractionBytes(t.a)
	case colDatetime2:
		return 5 + fractionBytes(t.a)
	case colTime2:
		return 3 + fractionBytes(t.a)
	case colNewDecimal:
		return decimalBytes(t.a, t.b)
	case colEnum, colSet, colBit:
		return t.a
	case colVarchar, colVarString, colString, colVarcharCompressed:
		if t.a > 255 {
			return 2 + int(peek.u16())
		}
		return 1 + int(peek.u8())
	case colBlob, colGeometry, colJSON, colVector, colBlobCompressed:
		n := peek.le(t.a)
		if n > uint64(len(peek.b)) {
			return len(c.b) + 1 // more than is left
		}
		return t.a + int(n)
	}
	return 0
}

// text is the canonical text of a value; see the domain's kinds.
func (t colType) text(raw []byte) ([]byte, error) {
	c := cursor{b: raw}
	switch t.code {
	case colTiny, colShort, colInt24, colLong, colLongLong:
		return t.integer(c.le(len(raw)), len(raw)), nil
	case colYear:
		return year(raw[0]), nil
	case colFloat:
		return strconv.AppendFloat(nil, float64(math.Float32frombits(c.u32())), 'g', -1, 32), nil
	case colDouble:
		return strconv.AppendFloat(nil, math.Float64frombits(c.u64()), 'g', -1, 64), nil
	case colNewDecimal:
		return decimalText(raw, t.a, t.b)
	case colEnum, colSet:
		return strconv.AppendUint(nil, c.le(len(raw)), 10), nil
	case colBit:
		return raw, nil
	case colVarchar, colVarString, colString:
		if t.a > 255 {
			return raw[2:], nil
		}
		return raw[1:], nil
	case colVarcharCompressed:
		if t.a > 255 {
			return inflateColumn(raw[2:])
		}
		return inflateColumn(raw[1:])
	case colBlob, colGeometry, colVector:
		return raw[t.a:], nil
	case colBlobCompressed:
		return inflateColumn(raw[t.a:])
	case colJSON:
		text, _, err := jsonText(raw[t.a:])
		return text, err
	}
	if out, ok := temporal(t, raw); ok {
		return out, nil
	}
	return nil, fmt.Errorf("%w: a value of the unknown type %d", ErrDamaged, t.code)
}

func (t colType) integer(v uint64, size int) []byte {
	if t.unsigned {
		return strconv.AppendUint(nil, v, 10)
	}
	shift := 64 - 8*size
	return strconv.AppendInt(nil, int64(v<<shift)>>shift, 10)
}

func year(b byte) []byte {
	if b == 0 {
		return []byte("0000")
	}
	return strconv.AppendInt(nil, 1900+int64(b), 10)
}

// digitBytes is the number of bytes for the digits of a DECIMAL beyond full groups of
// nine.
var digitBytes = [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

func decimalBytes(precision, scale int) int {
	whole := precision - scale
	return whole/9*4 + digitBytes[whole%9] + scale/9*4 + digitBytes[scale%9]
}

// decimalText decodes MySQL's packed decimal: groups of nine digits in four bytes, the
// sign in the highest bit, all bits inverted for a negative number.
func decimalText(raw []byte, precision, scale int) ([]byte, error) {
	if precision < scale || len(raw) != decimalBytes(precision, scale) || len(raw) == 0 {
		return nil, fmt.Errorf("%w: a decimal of %d bytes", ErrDamaged, len(raw))
	}
	data := append([]byte(nil), raw...)
	negative := data[0]&0x80 == 0
	data[0] ^= 0x80
	if negative {
		for i := range data {
			data[i] ^= 0xff
		}
	}
	c := cursor{b: data}
	whole := precision - scale
	digits := appendGroup(nil, &c, whole%9)
	for range whole / 9 {
		digits = appendGroup(digits, &c, 9)
	}
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		digits = append(digits, '0')
	}
	if scale > 0 {
		digits = append(digits, '.')
		for range scale / 9 {
			digits = appendGroup(digits, &c, 9)
		}
		digits = appendGroup(digits, &c, scale%9)
	}
	if negative {
		digits = append([]byte{'-'}, digits...)
	}
	return digits, nil
}

func appendGroup(dst []byte, c *cursor, digits int) []byte {
	if digits == 0 {
		return dst
	}
	text := strconv.FormatUint(c.be(digitBytes[digits]), 10)
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}
