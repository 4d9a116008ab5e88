package dump

import (
	"encoding/binary"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/ops/mysql/schema"
)

// measure knows a column's values well enough to find one between two others.
type measure struct {
	// between returns a value that may lie between two values, as text, and the next one below
	// it; it need not exist. ok is false if there is none.
	between func(low, high string) (mid, below string, ok bool)
	exact   bool // between uses the server's order, so its values can be bounds
	// literal reports whether an existing value can be a bound: text in a charset of its own
	// cannot, because it might bring its own collation into a comparison. A value from between
	// always can.
	literal func(value string) bool
}

func always(string) bool { return true }

// measureOf is nil for columns that cannot be split.
func measureOf(c *schema.Column) *measure {
	switch c.DataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return &measure{betweenNumbers, true, always}
	case "char", "varchar":
		switch {
		case c.Form == schema.FormWide:
			return nil
		case c.Charset == "utf8mb4":
			return &measure{betweenTexts, false, always}
		}
		return &measure{betweenASCII, false, ascii}
	case "binary", "varbinary":
		return &measure{betweenBytes, false, always}
	case "date":
		return &measure{betweenTimes("2006-01-02"), false, always}
	case "datetime", "timestamp":
		return &measure{betweenTimes("2006-01-02 15:04:05"), false, always}
	}
	return nil
}

// betweenNumbers is the middle value, which is above low and at most high.
func betweenNumbers(low, high string) (mid, below string, ok bool) {
	a, ok1 := new(big.Int).SetString(low, 10)
	b, ok2 := new(big.Int).SetString(high, 10)
	if !ok1 || !ok2 || a.Cmp(b) >= 0 {
		return "", "", false
	}
	one := big.NewInt(1)
	m := new(big.Int).Add(a, b)
	m.Rsh(m.Add(m, one), 1)
	return m.String(), new(big.Int).Sub(m, one).String(), true
}

const lastASCII = '~'

// betweenTexts uses code points, which is not the order of any collation, but close enough
// for a binary search.
func betweenTexts(low, high string) (mid, below string, ok bool) {
	if !utf8.ValidString(low) || !utf8.ValidString(high) {
		return "", "", false
	}
	a := []rune(low)
	b := []rune(high)
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	x := at(a, i, ' ')
	y := at(b, i, lastASCII)
	x, y = min(x, y), max(x, y)
	if mid := x + (y-x)/2; mid > x && !surrogate(mid) {
		return string(b[:i]) + string(mid), low, true
	}
	// No character lies between: continue after low's character.
	next := at(a, i+1, ' ')
	top := max(next, rune(lastASCII)+1)
	if mid := next + (top-next)/2; i < len(a) && mid > next && !surrogate(mid) {
		return string(a[:i+1]) + string(mid), low, true
	}
	return "", "", false
}

func at(text []rune, i int, absent rune) rune {
	if i < len(text) {
		return text[i]
	}
	return absent
}

func surrogate(r rune) bool { return r >= 0xd800 && r < 0xe000 }

// betweenASCII returns ASCII values only, derived from the text before other characters.
func betweenASCII(low, high string) (mid, below string, ok bool) {
	mid, _, ok = betweenTexts(head(low, " "), head(high, string(lastASCII)))
	return mid, low, ok && ascii(mid)
}

// head is a text up to its first non-ASCII character, with end in place of the rest.
func head(text, end string) string {
	if i := strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
		return text[:i] + end
	}
	return text
}

func ascii(value string) bool { return head(value, "\x80") == value }

// betweenBytes is the middle of two byte strings as numbers, using the eight bytes after
// their common prefix.
func betweenBytes(low, high string) (mid, below string, ok bool) {
	i := 0
	for i < len(low) && i < len(high) && low[i] == high[i] {
		i++
	}
	number := func(s string) (n uint64) {
		for k := i; k < i+8; k++ {
			n <<= 8
			if k < len(s) {
				n |= uint64(s[k])
			}
		}
		return n
	}
	x := number(low)
	y := number(high)
	m := x + (y-x)/2
	if y <= x || m == x {
		return "", "", false
	}
	return string(binary.BigEndian.AppendUint64([]byte(high[:i]), m)), low, true
}

// betweenTimes is the time in the middle, in whole units of the layout.
func betweenTimes(layout string) func(low, high string) (mid, below string, ok bool) {
	return func(low, high string) (mid, below string, ok bool) {
		a, err1 := time.Parse(layout, low) // fractional seconds are accepted
		b, err2 := time.Parse(layout, high)
		if err1 != nil || err2 != nil || !a.Before(b) {
			return "", "", false
		}
		mid = time.Unix(a.Unix()+(b.Unix()-a.Unix())/2, 0).UTC().Format(layout)
		return mid, low, mid > a.Format(layout)
	}
}
