package binlog

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	domain "opsdeck/ops/binlog"
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

// jsonText renders a binary JSON value as the server prints it. odd tells that the text does
// not tell the types of all its values.
func jsonText(b []byte) (text []byte, odd bool, err error) {
	if len(b) == 0 {
		return []byte("null"), false, nil // written by UPDATE IGNORE
	}
	p := jsonPrinter{}
	text, err = p.append(nil, b[0], b[1:], 0)
	return text, p.odd, err
}

// jsonPrinter prints binary JSON values.
type jsonPrinter struct {
	odd bool // one was printed that reads as another type
}

func (p *jsonPrinter) append(dst []byte, kind byte, b []byte, depth int) ([]byte, error) {
	switch kind {
	case jsonSmallObject, jsonLargeObject, jsonSmallArray, jsonLargeArray:
		return p.container(dst, kind, b, depth)
	}
	text, sql, err := jsonScalar(dst, kind, b)
	p.odd = p.odd || sql != ""
	return text, err
}

// jsonScalar prints a scalar. sql makes one of the same type where its text makes another,
// Unwritable where no SQL does.
// https://github.com/mysql/mysql-server/blob/9.7/sql-common/json_dom.cc (Rapid_json_handler)
func jsonScalar(dst []byte, kind byte, b []byte) (text []byte, sql string, err error) {
	c := cursor{b: b}
	switch kind {
	case jsonLiteral:
		dst = append(dst, [...]string{"null", "true", "false"}[c.u8()%3]...)
	case jsonInt16:
		dst = strconv.AppendInt(dst, int64(int16(c.u16())), 10)
	case jsonUint16:
		dst, sql = jsonUnsigned(dst, uint64(c.u16()))
	case jsonInt32:
		dst = strconv.AppendInt(dst, int64(int32(c.u32())), 10)
	case jsonUint32:
		dst, sql = jsonUnsigned(dst, uint64(c.u32()))
	case jsonInt64:
		n := int64(c.u64())
		dst = strconv.AppendInt(dst, n, 10)
		if n > math.MaxUint32 {
			sql = "CAST(" + strconv.FormatInt(n, 10) + " AS SIGNED)"
		}
	case jsonUint64:
		dst, sql = jsonUnsigned(dst, c.u64())
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
		return nil, "", fmt.Errorf("%w: a JSON value of the unknown type %d", ErrDamaged, kind)
	}
	return dst, sql, c.err("JSON value")
}

// jsonUnsigned prints an unsigned integer. The server reads a number of up to 32 bits as a
// signed one.
func jsonUnsigned(dst []byte, n uint64) ([]byte, string) {
	text := strconv.FormatUint(n, 10)
	if n > math.MaxUint32 {
		return append(dst, text...), ""
	}
	return append(dst, text...), "CAST(" + text + " AS UNSIGNED)"
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

// container prints an object or array.
func (p *jsonPrinter) container(dst []byte, kind byte, b []byte, depth int) ([]byte, error) {
	object := kind == jsonSmallObject || kind == jsonLargeObject
	dst = append(dst, "[{"[b2i(object)])
	first := true
	err := jsonMembers(kind, b, depth, func(key []byte, kind byte, b []byte) (err error) {
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		if object {
			dst = append(appendJSONString(dst, key), ": "...)
		}
		dst, err = p.append(dst, kind, b, depth+1)
		return err
	})
	return append(dst, "]}"[b2i(object)]), err
}

// jsonMembers calls take with the members of an object or array: a table of entries whose
// offsets are relative to the start of the container.
func jsonMembers(kind byte, b []byte, depth int, take func(key []byte, kind byte, b []byte) error) error {
	if depth > jsonDeepest {
		return fmt.Errorf("%w: JSON nested too deep", ErrDamaged)
	}
	width, object := 2, kind == jsonSmallObject || kind == jsonLargeObject
	if kind == jsonLargeObject || kind == jsonLargeArray {
		width = 4
	}
	c := cursor{b: b}
	n := int(c.le(width))
	size := int(c.le(width))
	if c.bad || size > len(b) || n > len(b) {
		return fmt.Errorf("%w: a short JSON container", ErrDamaged)
	}
	b = b[:size]
	keys := cursor{b: c.b}
	if object {
		c.take(n * (width + 2))
	}
	for range n {
		var key []byte
		if object {
			at := int(keys.le(width))
			length := int(keys.u16())
			if at+length > len(b) {
				return fmt.Errorf("%w: a JSON key beyond its object", ErrDamaged)
			}
			key = b[at : at+length]
		}
		kind, value, err := jsonEntry(&c, b, width)
		if err == nil {
			err = take(key, kind, value)
		}
		if err != nil {
			return err
		}
	}
	return c.err("JSON container")
}

// jsonEntry is the value of the next entry of a container.
func jsonEntry(c *cursor, b []byte, width int) (kind byte, value []byte, err error) {
	kind = c.u8()
	place := c.take(width)
	inline := kind == jsonLiteral || kind == jsonInt16 || kind == jsonUint16 ||
		width == 4 && (kind == jsonInt32 || kind == jsonUint32)
	if inline {
		return kind, place, nil
	}
	offset := cursor{b: place}
	at := int(offset.le(width))
	if c.bad || at >= len(b) {
		return 0, nil, fmt.Errorf("%w: a JSON value beyond its container", ErrDamaged)
	}
	return kind, b[at:], nil
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
func appendOpaque(dst []byte, kind byte, b []byte) (text []byte, sql string, err error) {
	switch kind {
	case colNewDecimal:
		if len(b) < 2 {
			return nil, "", fmt.Errorf("%w: a short decimal in JSON", ErrDamaged)
		}
		number, err := decimalText(b[2:], int(b[0]), int(b[1]))
		return append(dst, number...), fmt.Sprintf("CAST('%s' AS DECIMAL(%d,%d))", number, b[0], b[1]), err
	case colDate, colDatetime, colTimestamp, colTime, colTimestamp2, colDatetime2, colTime2:
		if len(b) < 8 {
			return nil, "", fmt.Errorf("%w: a short time in JSON", ErrDamaged)
		}
		c := cursor{b: b}
		time := packedTime(kind, int64(c.u64()))
		return appendJSONString(dst, time), jsonTimeSQL(kind, string(time)), nil
	}
	coded := fmt.Sprintf("base64:type%d:%s", kind, base64.StdEncoding.EncodeToString(b))
	return appendJSONString(dst, []byte(coded)), jsonBytesSQL(kind, b), nil
}

// jsonTimeSQL makes a JSON value of a time.
func jsonTimeSQL(kind byte, text string) string {
	switch kind {
	case colDate:
		return "CAST('" + text + "' AS DATE)"
	case colTime, colTime2:
		return "CAST('" + text + "' AS TIME(6))"
	case colDatetime, colDatetime2:
		return "CAST('" + text + "' AS DATETIME(6))"
	}
	return jsonOfColumn("'"+text+"'", "TIMESTAMP(6)")
}

// jsonColumns are declarations of columns whose bytes are kept in JSON as values of their
// own types.
var jsonColumns = map[byte]string{
	colTinyBlob:   "TINYBLOB",
	colMediumBlob: "MEDIUMBLOB",
	colLongBlob:   "LONGBLOB",
	colBlob:       "BLOB",
}

// jsonBytesSQL makes a JSON value of bytes.
func jsonBytesSQL(kind byte, b []byte) string {
	text := "x'" + hex.EncodeToString(b) + "'"
	switch {
	case kind == colVarchar:
		return "CAST(" + text + " AS BINARY)"
	case kind == colBit && len(b) <= 8:
		number := make([]byte, 8)
		copy(number[8-len(b):], b)
		return jsonOfColumn(strconv.FormatUint(binary.BigEndian.Uint64(number), 10), fmt.Sprintf("BIT(%d)", 8*len(b)))
	case kind == colString:
		return jsonOfColumn(text, fmt.Sprintf("BINARY(%d)", len(b)))
	case jsonColumns[kind] != "":
		return jsonOfColumn(text, jsonColumns[kind])
	}
	return domain.Unwritable
}

// jsonOfColumn makes a JSON value of a type that only a column has.
// https://dev.mysql.com/doc/refman/8.4/en/json-table-functions.html
func jsonOfColumn(value, declared string) string {
	return "(SELECT JSON_EXTRACT(JSON_ARRAY(j.v), '$[0]') FROM JSON_TABLE(JSON_ARRAY(" + value +
		"), '$[*]' COLUMNS (v " + declared + " PATH '$')) j)"
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
