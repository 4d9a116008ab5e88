package binlog

import (
	"fmt"
)

// cursor reads consecutive fields. A read past the end returns zeros and sets bad.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) u8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 { return uint16(c.le(2)) }
func (c *cursor) u32() uint32 { return uint32(c.le(4)) }
func (c *cursor) u48() uint64 { return c.le(6) }
func (c *cursor) u64() uint64 { return c.le(8) }

// le reads an unsigned little-endian number of n bytes.
func (c *cursor) le(n int) (v uint64) {
	b := c.take(n)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// be reads an unsigned big-endian number of n bytes.
func (c *cursor) be(n int) (v uint64) {
	for _, b := range c.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// lenenc reads the protocol's length-encoded integer.
func (c *cursor) lenenc() uint64 {
	switch first := c.u8(); first {
	case 0xfc:
		return c.le(2)
	case 0xfd:
		return c.le(3)
	case 0xfe:
		return c.le(8)
	default:
		return uint64(first)
	}
}

// count is lenenc for a length: a length beyond the remaining bytes sets bad.
func (c *cursor) count() int {
	n := c.lenenc()
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return 0
	}
	return int(n)
}

// text reads a string with a one-byte length prefix.
func (c *cursor) text() string { return string(c.take(int(c.u8()))) }

// terminated reads a string with a one-byte length prefix and a terminating zero.
func (c *cursor) terminated() string {
	s := c.text()
	c.take(1)
	return s
}

func (c *cursor) err(what string) error {
	if c.bad {
		return fmt.Errorf("%w: a short %s", ErrDamaged, what)
	}
	return nil
}

// bitmap has the lowest bit of the first byte first.
type bitmap []byte

func (m bitmap) has(i int) bool { return i>>3 < len(m) && m[i>>3]&(1<<(i&7)) != 0 }

func (m bitmap) count(n int) (set int) {
	for i := range n {
		if m.has(i) {
			set++
		}
	}
	return set
}
