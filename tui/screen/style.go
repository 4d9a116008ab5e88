package screen

import (
	"strconv"
	"strings"
)

// attributes of a cell, by the number of their SGR parameter.
const attributes = "\x01\x02\x03\x04\x05\x07\x08\x09"

// style is how a cell is drawn; the zero value is the terminal's default.
type style struct {
	attrs  uint16 // bit n is SGR parameter n
	fg, bg string // SGR parameters: "31", "38;5;240"; "" is the default
}

// shows tells whether a blank of this style differs from a plain one: underlined,
// blinking, reversed, struck out or on a colour.
func (s style) shows() bool { return s.bg != "" || s.attrs&(1<<4|1<<5|1<<7|1<<9) != 0 }

// apply changes the style by the parameters of one SGR sequence.
func (s *style) apply(params string) {
	list := strings.Split(strings.ReplaceAll(params, ":", ";"), ";")
	for i := 0; i < len(list); i++ {
		n, _ := strconv.Atoi(list[i])
		if n == 38 || n == 48 {
			used := colourLength(list[i:])
			s.colour(n == 48, strings.Join(list[i:i+used], ";"))
			i += used - 1
			continue
		}
		s.one(n, list[i])
	}
}

// colourLength is how many parameters a colour takes that begins with 38 or 48.
func colourLength(list []string) int {
	switch {
	case len(list) >= 3 && list[1] == "5":
		return 3
	case len(list) >= 5 && list[1] == "2":
		return 5
	}
	return len(list)
}

func (s *style) colour(background bool, params string) {
	if background {
		s.bg = params
		return
	}
	s.fg = params
}

func (s *style) one(n int, param string) {
	switch {
	case n == 0:
		*s = style{}
	case n < 10:
		s.attrs |= 1 << n
	case n == 22:
		s.attrs &^= 1<<1 | 1<<2
	case n > 22 && n < 30:
		s.attrs &^= 1 << (n - 20)
	case n == 39:
		s.fg = ""
	case n == 49:
		s.bg = ""
	case n >= 30 && n < 38, n >= 90 && n < 98:
		s.fg = param
	case n >= 40 && n < 48, n >= 100 && n < 108:
		s.bg = param
	}
}

// change is the shortest sequence that makes style b out of style a.
func change(a, b style) string {
	if a == b {
		return ""
	}
	if b == (style{}) {
		return "\x1b[m"
	}
	whole := sgr(append([]string{""}, between(style{}, b)...))
	if a.attrs&^b.attrs != 0 { // one is taken away
		return whole
	}
	if part := sgr(between(a, b)); len(part) < len(whole) {
		return part
	}
	return whole
}

func sgr(params []string) string { return "\x1b[" + strings.Join(params, ";") + "m" }

// between are the parameters that lead from a to b, which has all attributes of a.
func between(a, b style) (out []string) {
	for _, n := range []byte(attributes) {
		if bit := uint16(1) << n; b.attrs&bit != 0 && a.attrs&bit == 0 {
			out = append(out, strconv.Itoa(int(n)))
		}
	}
	out = appendColour(out, a.fg, b.fg, "39")
	return appendColour(out, a.bg, b.bg, "49")
}

func appendColour(out []string, from, to, plain string) []string {
	switch {
	case from == to:
		return out
	case to == "":
		return append(out, plain)
	}
	return append(out, to)
}
