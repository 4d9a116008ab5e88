package binlog

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"opsdeck/ops/mysql/schema"
)

// Same reports whether the two formats encode events the same way.
func (f *Format) Same(o *Format) bool {
	return f.Server == o.Server && bytes.Equal(f.lengths, o.lengths)
}

// Types of a user variable's value.
const (
	userString  = 0
	userReal    = 1
	userInt     = 2
	userDecimal = 4
)

// InsertID is the first AUTO_INCREMENT value of the next statement, if the event tells it.
func InsertID(e *Event) (id uint64, ok bool) {
	if e.Type != TypeIntvar {
		return 0, false
	}
	c := cursor{b: e.body()}
	ok = c.u8() == 2
	id = c.u64()
	return id, ok && c.err("INTVAR event") == nil
}

// Setting returns a Context event as the equivalent SET statement. named maps a
// collation's number to the names of its charset and collation.
func (e *Event) Setting(named func(collation int) (charset, name string)) (string, error) {
	c := cursor{b: e.body()}
	switch e.Type {
	case TypeIntvar:
		name := "LAST_INSERT_ID"
		if c.u8() == 2 {
			name = "INSERT_ID"
		}
		return fmt.Sprintf("SET SESSION %s = %d", name, c.u64()), c.err("INTVAR event")
	case TypeRand:
		return fmt.Sprintf("SET SESSION rand_seed1 = %d, rand_seed2 = %d", c.u64(), c.u64()), c.err("RAND event")
	}
	name := string(c.take(int(c.u32())))
	if c.u8() != 0 {
		return "SET @" + schema.Ident(name) + " = NULL", c.err("USER_VAR event")
	}
	kind := c.u8()
	collation := int(c.u32())
	value := c.take(int(c.u32()))
	unsigned := len(c.b) > 0 && c.u8()&1 != 0
	if err := c.err("USER_VAR event"); err != nil {
		return "", err
	}
	text, err := userValue(kind, value, unsigned, collation, named)
	return "SET @" + schema.Ident(name) + " = " + text, err
}

func userValue(
	kind byte,
	value []byte,
	unsigned bool,
	collation int,
	named func(int) (string, string),
) (string, error) {
	c := cursor{b: value}
	switch kind {
	case userString:
		charset, name := named(collation)
		if charset == "" {
			return "", fmt.Errorf("%w: a user variable of the unknown collation %d", ErrDamaged, collation)
		}
		return fmt.Sprintf("_%s X'%x' COLLATE %s", charset, value, schema.Ident(name)), nil
	case userReal:
		return strconv.FormatFloat(math.Float64frombits(c.u64()), 'e', -1, 64), c.err("user variable")
	case userInt:
		if n := c.u64(); unsigned {
			return strconv.FormatUint(n, 10), c.err("user variable")
		} else {
			return strconv.FormatInt(int64(n), 10), c.err("user variable")
		}
	case userDecimal:
		precision := int(c.u8())
		scale := int(c.u8())
		text, err := decimalText(c.b, precision, scale)
		return string(text), err
	}
	return "", fmt.Errorf("%w: a user variable of the unknown type %d", ErrDamaged, kind)
}
