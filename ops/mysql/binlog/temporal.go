package binlog

import (
	"fmt"
	"time"
)

func fractionBytes(digits int) int { return (digits + 1) / 2 }

// fraction reads the fractional digits of a time as microseconds: 1 byte for hundredths, 2
// for ten-thousandths, 3 for microseconds.
func fraction(c *cursor, digits int) int64 {
	v := int64(c.be(fractionBytes(digits)))
	switch fractionBytes(digits) {
	case 1:
		return v * 10000
	case 2:
		return v * 100
	}
	return v
}

// temporal renders a date or time; ok is false for other types.
func temporal(t colType, raw []byte) (text []byte, ok bool) {
	c := cursor{b: raw}
	switch t.code {
	case colDate, colNewDate:
		v := c.le(3)
		return fmt.Appendf(nil, "%04d-%02d-%02d", v>>9, v>>5&15, v&31), true
	case colTimestamp:
		return timestamp(int64(c.u32()), 0, 0), true
	case colTimestamp2:
		return timestamp(int64(c.be(4)), fraction(&c, t.a), t.a), true
	case colDatetime:
		v := c.u64()
		d, clock := v/1000000, v%1000000
		return fmt.Appendf(
			nil,
			"%04d-%02d-%02d %02d:%02d:%02d",
			d/10000,
			d/100%100,
			d%100,
			clock/10000,
			clock/100%100,
			clock%100,
		), true
	case colDatetime2:
		v := c.be(5) &^ (1 << 39)
		return datetime(v, fraction(&c, t.a), t.a), true
	case colTime:
		return oldTime(c.le(3)), true
	case colTime2:
		return newTime(raw, t.a), true
	}
	return nil, false
}

func timestamp(seconds, micros int64, digits int) []byte {
	if seconds == 0 && micros == 0 {
		return appendFraction([]byte("0000-00-00 00:00:00"), 0, digits)
	}
	return appendFraction(time.Unix(seconds, 0).UTC().AppendFormat(nil, time.DateTime), micros, digits)
}

// datetime decodes a packed number: year and month in 17 bits, then day, hour, minute and
// second in 5, 5, 6 and 6 bits.
func datetime(v uint64, micros int64, digits int) []byte {
	date, clock := v>>17, v&(1<<17-1)
	months := date >> 5
	text := fmt.Appendf(
		nil,
		"%04d-%02d-%02d %02d:%02d:%02d",
		months/13,
		months%13,
		date&31,
		clock>>12,
		clock>>6&63,
		clock&63,
	)
	return appendFraction(text, micros, digits)
}

func appendFraction(text []byte, micros int64, digits int) []byte {
	if digits == 0 {
		return text
	}
	return append(text, fmt.Sprintf(".%06d", micros)[:digits+1]...)
}

func oldTime(v uint64) []byte {
	n := int64(v<<40) >> 40
	sign := ""
	if n < 0 {
		sign = "-"
		n = -n
	}
	return fmt.Appendf(nil, "%s%02d:%02d:%02d", sign, n/10000, n/100%100, n%100)
}

// newTime decodes a TIME. The number over all its bytes is biased by half its range, so a
// negative time has a negative fraction too.
func newTime(raw []byte, digits int) []byte {
	c := cursor{b: raw}
	bias := int64(1) << (8*len(raw) - 1)
	n := int64(c.be(len(raw))) - bias
	sign := ""
	if n < 0 {
		sign = "-"
		n = -n
	}
	width := 8 * fractionBytes(digits)
	whole := n >> width
	part := cursor{b: bigEndian(n&(1<<width-1), fractionBytes(digits))}
	text := fmt.Appendf(nil, "%s%02d:%02d:%02d", sign, whole>>12&1023, whole>>6&63, whole&63)
	return appendFraction(text, fraction(&part, digits), digits)
}

func bigEndian(v int64, n int) []byte {
	out := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		out[i] = byte(v)
		v >>= 8
	}
	return out
}
