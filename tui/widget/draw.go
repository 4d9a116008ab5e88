package widget

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"opsdeck/internal/cells"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
)

// Fill makes s exactly size.Height lines of exactly size.Width cells.
func Fill(lines []string, size page.Size) string {
	out := make([]string, size.Height)
	for i := range out {
		line := ""
		if i < len(lines) {
			line = lines[i]
		}
		out[i] = cells.Pad(line, size.Width)
	}
	return strings.Join(out, "\n")
}

// Rule is a horizontal line of w cells, with a title in it when there is one.
func Rule(t *theme.Theme, title string, w int) string {
	if title == "" {
		return t.Rule.Render(strings.Repeat(t.Glyph.HRule, max(w, 0)))
	}
	head := t.Glyph.HRule + " "
	rest := w - cells.Width(head) - cells.Width(title) - 1
	if rest < 0 {
		return cells.Cut(t.Rule.Render(head)+t.Title.Render(title), w)
	}
	return t.Rule.Render(head) + t.Title.Render(title) + t.Rule.Render(" "+strings.Repeat(t.Glyph.HRule, rest))
}

// SelectedRow is the row under the cursor, the same in every list: the mark and
// the row in the style of the selection, as wide as the list. Styles of its own
// are taken from the row.
func SelectedRow(t *theme.Theme, row string, width int) string {
	return t.Selected.Render(cells.Pad(t.Glyph.Cursor+ansi.Strip(row), width))
}

// Box draws a border around lines, with a title in it, at most size.
func Box(t *theme.Theme, title string, lines []string, size page.Size) string {
	inner := cells.Width(title) + 2
	for _, l := range lines {
		inner = max(inner, cells.Width(l))
	}
	inner = max(1, min(inner, size.Width-4))
	if len(lines) > size.Height-2 {
		lines = lines[:max(0, size.Height-2)]
	}
	b := t.Border
	head := cells.Cut(title, inner)
	top := t.Rule.Render(b.TopLeft+b.Top) + t.Accent.Render(
		head,
	) + t.Rule.Render(strings.Repeat(b.Top, inner+1-cells.Width(head))+b.TopRight)
	out := []string{top}
	for _, l := range lines {
		out = append(out, t.Rule.Render(b.Left)+" "+cells.Pad(l, inner)+" "+t.Rule.Render(b.Right))
	}
	out = append(out, t.Rule.Render(b.BottomLeft+strings.Repeat(b.Bottom, inner+2)+b.BottomRight))
	return strings.Join(out, "\n")
}

// Over draws box in the middle of a background of the given size.
func Over(background, box string, size page.Size) string {
	bg := strings.Split(background, "\n")
	fg := strings.Split(box, "\n")
	w := 0
	for _, l := range fg {
		w = max(w, cells.Width(l))
	}
	x := max(0, (size.Width-w)/2)
	y := max(0, (len(bg)-len(fg))/3)
	for i, l := range fg {
		if y+i >= len(bg) {
			break
		}
		row := cells.Pad(bg[y+i], size.Width)
		bg[y+i] = cells.Cut(
			cells.Pad(ansi.Truncate(row, x, ""), x)+"\x1b[m"+cells.Pad(l, w)+"\x1b[m"+ansi.TruncateLeft(row, x+w, ""),
			size.Width,
		)
	}
	return strings.Join(bg, "\n")
}

// Bar draws a share of 1 as a bar of w cells; a negative share, unknown, is empty.
func Bar(t *theme.Theme, share float64, w int) string {
	if w <= 0 {
		return ""
	}
	share = max(0, min(1, share))
	full := int(share * float64(w))
	half := share*float64(w)-float64(full) >= 0.5 && full < w
	s := strings.Repeat(t.Glyph.Full, full)
	if half {
		s += t.Glyph.Half
		full++
	}
	return t.Accent.Render(s) + t.Rule.Render(strings.Repeat(t.Glyph.Empty, w-full))
}

// KeyHelp draws "key label" as footer and dialogs show it.
func KeyHelp(t *theme.Theme, key, label string) string {
	return t.Key.Render(key) + " " + t.Dim.Render(label)
}

// Beside puts lines at the right of a list, below one another for height rows, with a
// rule between.
func Beside(t *theme.Theme, left, right []string, leftWidth, rightWidth, height int) []string {
	out := make([]string, height)
	for i := range out {
		a, b := "", ""
		if i < len(left) {
			a = left[i]
		}
		if i < len(right) {
			b = right[i]
		}
		out[i] = cells.Pad(a, leftWidth) + t.Rule.Render(t.Glyph.VRule) + " " + cells.Cut(b, rightWidth-1)
	}
	return out
}
