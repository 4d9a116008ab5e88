package binlog

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
)

// Types of values in MySQL's binary JSON.
const (
	jsonSmallObject = 0
	jsonLargeObject = 1
	jsonSmallArray  = 2
	jsonLargeArray  = 3
	jsonLiteral     = 4
	jsonInt16       = 5
	jsonUint16      = 6
	jsonInt32       = 7
	jsonUint32      = 8
	jsonInt64       = 9
	jsonUint64      = 10
	jsonDouble      = 11
	jsonString      = 12
	jsonOpaque      = 15
)

// jsonDeepest is the nesting limit, above the server's own limit.
const jsonDeepest = 200

// jsonText renders a binary JSON value as the server prints it.
func jsonText(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return []byte("null"), nil // written by UPDATE IGNORE
	}
	return appendJSON(nil, b[0], b[1:], 0)
}

func appendJSON(dst []byte, kind byte, b []byte, depth int) ([]byte, error) {
	c := cursor{b: b}
	switch kind {
	case jsonSmallObject, jsonLargeObject, jsonSmallArray, jsonLargeArray:
		return appendContainer(dst, kind, b, depth)
	case jsonLiteral:
		dst = append(dst, [...]string{"null", "true", "false"}[c.u8()%3]...)
	case jsonInt16:
		dst = strconv.AppendInt(dst, int64(int16(c.u16())), 10)
	case jsonUint16:
		dst = strconv.AppendUint(dst, uint64(c.u16()), 10)
	case jsonInt32:
		dst = strconv.AppendInt(dst, int64(int32(c.u32())), 10)
	case jsonUint32:
		dst = strconv.AppendUint(dst, uint64(c.u32()), 10)
	case jsonInt64:
		dst = strconv.AppendInt(dst, int64(c.u64()), 10)
	case jsonUint64:
		dst = strconv.AppendUint(dst, c.u64(), 10)
	case jsonDouble:
		dst = appendJSONDouble(dst, math.Float64frombits(c.u64()))
	case jsonString:
		n := c.jsonLength()
		dst = appendJSONString(dst, c.take(n))
	case jsonOpaque:
		kind := c.u8()
		n := c.jsonLength()
		return appendOpaque(dst, kind, c.take(n))
	default:
		return nil, fmt.Errorf("%w: a JSON value of the unknown type %d", ErrDamaged, kind)
	}
	return dst, c.err("JSON value")
}

// jsonLength reads a length of seven bits per byte, lowest first.
func (c *cursor) jsonLength() int {
	n := uint64(0)
	for shift := 0; shift < 35; shift += 7 {
		b := c.u8()
		n |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
	}
	if n > uint64(len(c.b)) {
		c.bad = true
		return 0
	}
	return int(n)
}

// appendContainer renders an object or array: a table of entries whose offsets are
// relative to the start of the container.
func appendContainer(dst []byte, kind byte, b []byte, depth int) ([]byte, error) {
	if depth > jsonDeepest {
		return nil, fmt.Errorf("%w: JSON nested too deep", ErrDamaged)
	}
	width, object := 2, kind == jsonSmallObject || kind == jsonLargeObject
	if kind == jsonLargeObject || kind == jsonLargeArray {
		width = 4
	}
	c := cursor{b: b}
	n := int(c.le(width))
	size := int(c.le(width))
	if c.bad || size > len(b) || n > len(b) {
		return nil, fmt.Errorf("%w: a short JSON container", ErrDamaged)
	}
	b = b[:size]
	keys := cursor{b: c.b}
	if object {
		c.take(n * (width + 2))
	}
	dst = append(dst, "[{"[b2i(object)])
	for i := range n {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if object {
			at := int(keys.le(width))
			length := int(keys.u16())
			if at+length > len(b) {
				return nil, fmt.Errorf("%w: a JSON key beyond its object", ErrDamaged)
			}
			dst = append(appendJSONString(dst, b[at:at+length]), ": "...)
		}
		var err error
		if dst, err = appendEntry(dst, &c, b, width, depth); err != nil {
			return nil, err
		}
	}
	return append(dst, "]}"[b2i(object)]), c.err("JSON container")
}

func appendEntry(dst []byte, c *cursor, b []byte, width, depth int) ([]byte, error) {
	kind := c.u8()
	place := c.take(width)
	inline := kind == jsonLiteral || kind == jsonInt16 || kind == jsonUint16 ||
		width == 4 && (kind == jsonInt32 || kind == jsonUint32)
	if inline {
		return appendJSON(dst, kind, place, depth+1)
	}
	offset := cursor{b: place}
	at := int(offset.le(width))
	if c.bad || at >= len(b) {
		return nil, fmt.Errorf("%w: a JSON value beyond its container", ErrDamaged)
	}
	return appendJSON(dst, kind, b[at:], depth+1)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// appendJSONDouble renders a double as the server does: without an exponent for moderate
// values, and always distinguishable from an integer.
func appendJSONDouble(dst []byte, v float64) []byte {
	text := strconv.FormatFloat(v, 'e', -1, 64)
	mantissa, exponent, _ := cutByte(text, 'e')
	exp, _ := strconv.Atoi(exponent)
	if exp >= -15 && exp < 15 {
		text = strconv.FormatFloat(v, 'f', -1, 64)
		if _, _, pointed := cutByte(text, '.'); !pointed {
			text += ".0"
		}
		return append(dst, text...)
	}
	return append(append(append(dst, mantissa...), 'e'), strconv.Itoa(exp)...)
}

func cutByte(s string, sep byte) (before, after string, found bool) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func appendJSONString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, b := range s {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, `\n`...)
		case b == '\r':
			dst = append(dst, `\r`...)
		case b == '\t':
			dst = append(dst, `\t`...)
		case b == '\b':
			dst = append(dst, `\b`...)
		case b == '\f':
			dst = append(dst, `\f`...)
		case b < 0x20:
			dst = fmt.Appendf(dst, `\u%04x`, b)
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// appendOpaque renders a value of a type that JSON does not have.
func appendOpaque(dst []byte, kind byte, b []byte) ([]byte, error) {
	switch kind {
	case colNewDecimal:
		if len(b) < 2 {
			return nil, fmt.Errorf("%w: a short decimal in JSON", ErrDamaged)
		}
		text, err := decimalText(b[2:], int(b[0]), int(b[1]))
		return append(dst, text...), err
	case colDate, colDatetime, colTimestamp, colTime, colTimestamp2, colDatetime2, colTime2:
		if len(b) < 8 {
			return nil, fmt.Errorf("%w: a short time in JSON", ErrDamaged)
		}
		c := cursor{b: b}
		return appendJSONString(dst, packedTime(kind, int64(c.u64()))), nil
	}
	text := fmt.Sprintf("base64:type%d:%s", kind, base64.StdEncoding.EncodeToString(b))
	return appendJSONString(dst, []byte(text)), nil
}

// packedTime decodes the server's in-memory form: microseconds in the low 24 bits.
func packedTime(kind byte, n int64) []byte {
	sign := ""
	if n < 0 {
		sign = "-"
		n = -n
	}
	micros := n & (1<<24 - 1)
	whole := uint64(n >> 24)
	switch kind {
	case colTime, colTime2:
		return fmt.Appendf(nil, "%s%02d:%02d:%02d.%06d", sign, whole>>12&1023, whole>>6&63, whole&63, micros)
	case colDate:
		months := whole >> 22
		return fmt.Appendf(nil, "%04d-%02d-%02d", months/13, months%13, whole>>17&31)
	}
	return datetime(whole, micros, 6)
}
