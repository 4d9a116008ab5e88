package cells

import (
	"strings"
)

// Table lays out rows in columns, in cells. Cells may carry our own styling.
type Table struct {
	Head  []string
	Rows  [][]string
	Right []int // columns aligned to the right: numbers
	Max   int   // the whole width, 0 for no bound: the last column is cut
	Gap   int   // between columns; 0 means 2
}

// Lines are the table's lines without trailing spaces, the head first if there
// is one.
func (t Table) Lines() []string {
	gap := t.Gap
	if gap == 0 {
		gap = 2
	}
	rows := t.Rows
	if len(t.Head) > 0 {
		rows = append([][]string{t.Head}, rows...)
	}
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(c))
		}
	}
	right := map[int]bool{}
	for _, i := range t.Right {
		right[i] = true
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var b strings.Builder
		for i, c := range row {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", gap))
			}
			if right[i] {
				b.WriteString(PadLeft(c, widths[i]))
			} else {
				b.WriteString(Pad(c, widths[i]))
			}
		}
		lines[n] = strings.TrimRight(b.String(), " ")
		if t.Max > 0 {
			lines[n] = Cut(lines[n], t.Max)
		}
	}
	return lines
}

// String joins the lines, each ended by a line break.
func (t Table) String() string {
	lines := t.Lines()
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
