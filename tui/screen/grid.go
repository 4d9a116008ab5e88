package screen

// cell is one column of one row. A wide character has a second cell of width 0.
type cell struct {
	text   string
	style  style
	width  uint8
	doubt  bool // terminals disagree about its width
	absent bool // nobody knows what the terminal shows there
}

var (
	blank   = cell{text: " ", width: 1}
	unknown = cell{absent: true}
)

// grid is a screen full of cells.
type grid struct {
	w, h int
	rows [][]cell
}

func newGrid(w, h int, fill cell) *grid {
	g := &grid{w: w, h: h, rows: make([][]cell, h)}
	for y := range g.rows {
		g.rows[y] = make([]cell, w)
		fillRow(g.rows[y], fill)
	}
	return g
}

func fillRow(row []cell, c cell) {
	for x := range row {
		row[x] = c
	}
}

func (g *grid) fill(c cell) {
	for _, row := range g.rows {
		fillRow(row, c)
	}
}

// put writes a character at a place. What it covers by half becomes blank.
func (g *grid) put(x, y int, c cell) {
	if y < 0 || y >= g.h || x < 0 || x+int(c.width) > g.w {
		return
	}
	row := g.rows[y]
	if row[x].width == 0 && x > 0 {
		row[x-1] = blank
	}
	last := x + int(c.width) - 1
	if last+1 < g.w && row[last+1].width == 0 {
		row[last+1] = blank
	}
	row[x] = c
	if c.width == 2 {
		row[x+1] = cell{style: c.style}
	}
}

// certain tells whether every terminal gives the character the same width.
func certain(text string) bool {
	runes := []rune(text)
	return len(runes) == 1 && (certainNarrow(runes[0]) || certainWide(runes[0]))
}

func certainNarrow(r rune) bool {
	switch {
	case r >= 0x20 && r < 0x7f, r >= 0xa1 && r <= 0x24f && r != 0xa9 && r != 0xad && r != 0xae:
		return true
	case r >= 0x391 && r <= 0x3c9, r >= 0x410 && r <= 0x44f: // Greek, Cyrillic
		return true
	}
	return r >= 0x2010 && r <= 0x2027 || r >= 0x2190 && r <= 0x2193 || r >= 0x2260 && r <= 0x2265 ||
		r >= 0x2500 && r <= 0x25a9 || r >= 0x25b2 && r <= 0x25b5 || r >= 0x25c1 && r <= 0x25fa || r == 0x22ef ||
		r >= 0x2800 && r <= 0x28ff || r == 0x2713 || r == 0x2716 || r == 0x2717
}

func certainWide(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x3041 && r <= 0x3096 ||
		r >= 0x30a1 && r <= 0x30fa || r >= 0xac00 && r <= 0xd7a3 || r >= 0xff01 && r <= 0xff60 ||
		r >= 0x3001 && r <= 0x3011
}
