package restore

import (
	"bytes"
	"cmp"
	"strconv"
)

// compare orders two values of a key; keys hold no NULL.
func (o RescueOrder) compare(a, b []byte) int {
	switch o {
	case OrderNumber:
		return compareNumbers(a, b)
	case OrderFloat:
		x, errX := strconv.ParseFloat(string(a), 64)
		y, errY := strconv.ParseFloat(string(b), 64)
		if errX == nil && errY == nil {
			return cmp.Compare(x, y)
		}
	}
	return bytes.Compare(a, b)
}

// compareNumbers compares decimal numbers of any length, digit by digit.
func compareNumbers(a, b []byte) int {
	x := parseDecimal(a)
	y := parseDecimal(b)
	switch {
	case x.negative != y.negative && x.negative:
		return -1
	case x.negative != y.negative:
		return 1
	case x.negative:
		x, y = y, x
	}
	if c := cmp.Compare(len(x.whole), len(y.whole)); c != 0 {
		return c
	}
	if c := bytes.Compare(x.whole, y.whole); c != 0 {
		return c
	}
	return bytes.Compare(x.part, y.part)
}

// decimal is a number without insignificant zeros.
type decimal struct {
	negative    bool
	whole, part []byte
}

func parseDecimal(text []byte) (d decimal) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative, text = text[0] == '-', text[1:]
	}
	d.whole, d.part, _ = bytes.Cut(text, []byte{'.'})
	d.whole, d.part = bytes.TrimLeft(d.whole, "0"), bytes.TrimRight(d.part, "0")
	if len(d.whole) == 0 && len(d.part) == 0 {
		d.negative = false
	}
	return d
}
