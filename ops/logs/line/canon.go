package line

import (
	"encoding/binary"
	"math/bits"
)

// The lines of a log are mostly a few sentences with varying numbers. A line's shape is
// the line without its varying parts: runs of digits, times, and ids that mix letters
// and digits. Each shape is parsed and matched once; a line then needs only the number
// of its shape. The text is read again only when a query could match inside a removed
// part.

// Marks in a shape for the removed parts.
const (
	SlotDigits byte = 1 // a run of digits
	SlotTime   byte = 2 // a date with a time
	SlotID     byte = 3 // eight or more letters and digits mixed, a UUID
)

// headBytes is the length of the line's beginning in which the lengths of digit runs
// matter: they identify a short time there.
const headBytes = 16

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	mulA  = 0x9e3779b97f4a7c15
	mulB  = 0xd6e8feb86659fd93
)

// digitsIn sets the high bit of every byte of w that is an ASCII digit.
func digitsIn(w uint64) uint64 {
	x := w ^ ones*'0'
	return ^((x&^highs + ones*(0x80-10)) | x) & highs
}

// nextDigit is the index of the first digit in b at or after i, or len(b).
func nextDigit(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := digitsIn(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if Digit(b[i]) {
			return i
		}
	}
	return i
}

func mix(h, w uint64) uint64 {
	hi, lo := bits.Mul64(h^w, mulA)
	return hi ^ lo ^ mulB
}

// mixBytes adds bytes and their length to a hash.
func mixBytes(h uint64, b []byte) uint64 {
	n := len(b)
	h ^= uint64(n) * mulB
	for len(b) >= 16 {
		hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])^mulA)
		h = hi ^ lo ^ mulB
		b = b[16:]
	}
	if len(b) >= 8 {
		h = mix(h, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	if len(b) > 0 {
		h = mix(h, tail(b))
	}
	return h
}

// tail returns the last one to seven bytes as a number.
func tail(b []byte) uint64 {
	n := len(b)
	if n >= 4 {
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	}
	return uint64(b[0]) | uint64(b[n>>1])<<8 | uint64(b[n-1])<<16
}

// ShapeHash is the hash of a line's shape. first is the index of the first time in the
// line, which is stored in at, or -1.
func ShapeHash(line []byte, seed uint64, at *Stamp) (h uint64, first int) {
	h = seed
	first = -1
	var later Stamp
	start := 0
	for i := nextDigit(line, 0); i < len(line); i = nextDigit(line, i) {
		from, to, kind := slot(line, start, i, at)
		if kind == 0 {
			i = to
			continue
		}
		if kind == SlotTime && first < 0 {
			first = from
			at = &later
		}
		h = mixBytes(h, line[start:from])
		if kind == SlotDigits && from < headBytes {
			h = mix(h, uint64(to-from)<<8)
		}
		h = mix(h, uint64(kind))
		start, i = to, to
	}
	return mixBytes(h, line[start:]), first
}

// shapeText appends the line's shape to out, with marks for the removed parts.
func shapeText(out, line []byte) []byte {
	start := 0
	var at Stamp
	for i := nextDigit(line, 0); i < len(line); i = nextDigit(line, i) {
		from, to, kind := slot(line, start, i, &at)
		if kind == 0 {
			i = to
			continue
		}
		out = append(append(out, line[start:from]...), kind)
		if kind == SlotDigits && from < headBytes {
			for range to - from - 1 {
				out = append(out, kind)
			}
		}
		start, i = to, to
	}
	return append(out, line[start:]...)
}

// slot finds the part to remove around the digit at i, not before start. A time is
// stored in at. Kind 0 means that the digits up to to remain: a numeric level.
func slot(line []byte, start, i int, at *Stamp) (from, to int, kind byte) {
	to = i + 1
	for to < len(line) && Digit(line[to]) {
		to++
	}
	if to-i <= 3 && isLevelNumber(line, i) {
		return i, to, 0
	}
	switch to - i {
	case 4:
		if to+15 <= len(line) && (line[to] == '-' || line[to] == '/') {
			if n := iso(line[i:], at); n > 0 {
				if at.name > 0 { // a zone name is text that a search may ask for
					n = at.name
				}
				return i, i + n, SlotTime
			}
		}
	case 2:
		if to+15 <= len(line) && line[to] == '/' {
			if n := SlashDate(line[i:], at); n > 0 {
				return i, i + n, SlotTime
			}
		}
	}
	if (i > start && Alnum[line[i-1]]) || to < len(line) && Alnum[line[to]] {
		if from, end, ok := mixed(line, start, i, to); ok {
			return from, end, SlotID
		}
	}
	return i, to, SlotDigits
}

// isLevelNumber recognises pino's "level":30, which must remain.
func isLevelNumber(line []byte, i int) bool {
	for i > 8 && line[i-1] == ' ' {
		i--
	}
	return i >= 8 && binary.LittleEndian.Uint64(line[i-8:]) == levelColon
}

var levelColon = binary.LittleEndian.Uint64([]byte(`"level":`))

// Alnum marks ASCII letters and digits.
var Alnum = func() (t [256]bool) {
	for c := range t {
		t[c] = Digit(byte(c)) || Letter(byte(c)) && c < 0x80
	}
	return t
}()

// mixed finds the word of letters and digits around the digits [i, to). It is an id when
// it has at least eight characters and a third of them are digits, or all are hexadecimal
// in one case.
func mixed(line []byte, start, i, to int) (from, end int, ok bool) {
	from, end = i, to
	for from > start && i-from < 64 && Alnum[line[from-1]] {
		from--
	}
	digits := to - i
	for end < len(line) && Alnum[line[end]] {
		if Digit(line[end]) {
			digits++
		}
		end++
	}
	if end-from < 8 || digits*3 < end-from && !hexadecimal(line[from:end]) {
		return 0, 0, false
	}
	if end-from == 8 && end+28 <= len(line) && restOfUUID(line[end:end+28]) {
		end += 28
	}
	return from, end, true
}

// hexadecimal tells whether all characters are hexadecimal digits, the letters in one case.
func hexadecimal(word []byte) bool {
	var seen byte
	for _, c := range word {
		seen |= hexClass[c]
	}
	return seen == hexLower || seen == hexUpper
}

const (
	hexLower = 1
	hexUpper = 2
	hexNone  = 4
)

// hexClass is 0 for digits.
var hexClass = func() (t [256]byte) {
	for c := range t {
		switch {
		case Digit(byte(c)):
		case c >= 'a' && c <= 'f':
			t[c] = hexLower
		case c >= 'A' && c <= 'F':
			t[c] = hexUpper
		default:
			t[c] = hexNone
		}
	}
	return t
}()

// restOfUUID recognises "-ef12-4abc-8def-0123456789ab".
func restOfUUID(b []byte) bool {
	for i, c := range b {
		if dash := i == 0 || i == 5 || i == 10 || i == 15; dash != (c == '-') || !dash && !Alnum[c] {
			return false
		}
	}
	return true
}
