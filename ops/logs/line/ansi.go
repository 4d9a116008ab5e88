package line

import "bytes"

// Visible returns the line without colour sequences (CSI … m), as a person sees it. It
// returns line itself when there are none; otherwise it appends to buf[:0]. Other
// escapes remain, to be shown as marks.
func Visible(line, buf []byte) []byte {
	i := bytes.IndexByte(line, 0x1b)
	if i < 0 {
		return line
	}
	out := buf[:0]
	for {
		out = append(out, line[:i]...)
		line = line[i:]
		n := sgr(line)
		if n == 0 {
			out = append(out, line[0])
			n = 1
		}
		if line = line[n:]; len(line) == 0 {
			return out
		}
		if i = bytes.IndexByte(line, 0x1b); i < 0 {
			return append(out, line...)
		}
	}
}

// VisibleIn is Visible with a reusable buffer that grows.
func VisibleIn(line []byte, room *[]byte) []byte {
	if bytes.IndexByte(line, 0x1b) < 0 {
		return line
	}
	*room = Visible(line, *room)
	return *room
}

// sgr is the length of the colour sequence that b begins with, or 0.
func sgr(b []byte) int {
	if len(b) < 3 || b[1] != '[' {
		return 0
	}
	for i := 2; i < len(b) && i < 32; i++ {
		switch c := b[i]; {
		case c == 'm':
			return i + 1
		case !Digit(c) && c != ';' && c != ':':
			return 0
		}
	}
	return 0
}
