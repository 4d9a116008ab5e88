package screen

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// painter draws what Bubble Tea writes into a grid.
type painter struct {
	to    *grid
	x, y  int
	style style
	raw   strings.Builder // what concerns the terminal, not the cells
}

// paint reads a write of Bubble Tea. Sequences that are not about cells are kept in
// raw.
func (p *painter) paint(s string) {
	var state byte
	for len(s) > 0 {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		if n < 1 {
			return
		}
		state = next
		s = s[n:]
		switch {
		case width > 0:
			p.put(seq, width)
		case seq == "\r":
			p.x = 0
		case seq == "\n":
			p.y = min(p.y+1, p.to.h-1)
		case !p.control(seq):
			p.raw.WriteString(seq)
		}
	}
}

func (p *painter) put(text string, width int) {
	c := cell{text: text, style: p.style, width: uint8(width), doubt: !certain(text)}
	if text == " " && !p.style.shows() {
		c = blank
	}
	p.to.put(p.x, p.y, c)
	p.x += width
}

// control follows a sequence that moves, erases or colours; false: it is none.
func (p *painter) control(seq string) bool {
	body, ok := strings.CutPrefix(seq, "\x1b[")
	if !ok || body == "" {
		return false
	}
	params := body[:len(body)-1]
	final := body[len(body)-1]
	if strings.HasPrefix(params, "?") {
		return false
	}
	switch final {
	case 'm':
		p.style.apply(params)
	case 'H':
		p.move(params)
	case 'K':
		p.eraseLine(params)
	case 'J':
		p.eraseScreen(params)
	case 'A':
		p.y = max(0, p.y-number(params, 1))
	default:
		return false
	}
	return true
}

func number(s string, def int) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return def
}

func (p *painter) move(params string) {
	row, column, _ := strings.Cut(params, ";")
	p.y = min(number(row, 1), p.to.h) - 1
	p.x = min(number(column, 1), p.to.w) - 1
}

func (p *painter) eraseLine(params string) {
	if p.y >= p.to.h {
		return
	}
	row := p.to.rows[p.y]
	switch params {
	case "", "0":
		if p.x < p.to.w {
			p.to.put(p.x, p.y, blank)
			fillRow(row[p.x:], blank)
		}
	case "2":
		fillRow(row, blank)
	}
}

func (p *painter) eraseScreen(params string) {
	if params == "2" {
		p.to.fill(blank)
		return
	}
	p.eraseLine("")
	for y := p.y + 1; y < p.to.h; y++ {
		fillRow(p.to.rows[y], blank)
	}
}
