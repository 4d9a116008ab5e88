// Package cells measures and cuts text in terminal cells: CJK takes two,
// combining marks none. Escape sequences of our own styling count as nothing
// and are never cut apart; text from outside must have passed termsafe.
package cells

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Width is how many cells s takes.
func Width(s string) int {
	if w, ok := fastWidth(s); ok {
		return w
	}
	return ansi.StringWidth(s)
}

// Cut shortens s to at most w cells, ending in "…" when something was left out.
func Cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if Width(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, "…")
}

// CutLeft shortens s from the front, so that its end stays: "…ups/mysql".
func CutLeft(s string, w int) string {
	have := Width(s)
	if have <= w {
		return s
	}
	if w <= 0 {
		return ""
	}
	cut := have - w + 1
	out := ansi.TruncateLeft(s, cut, "…")
	for Width(out) > w {
		cut++
		out = ansi.TruncateLeft(s, cut, "…")
	}
	return out
}

// Ends puts left and right at the ends of a line of w cells. Left is cut where there is no
// room for both with a space between them.
func Ends(left, right string, w int) string {
	if right == "" {
		return Pad(left, w)
	}
	return Pad(Cut(left, max(0, w-Width(right)-1)), w-Width(right)) + right
}

// Pad cuts or fills s with spaces to exactly w cells.
func Pad(s string, w int) string {
	s = Cut(s, w)
	if n := w - Width(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}

// PadLeft cuts or fills s to exactly w cells with spaces in front, for numbers.
func PadLeft(s string, w int) string {
	s = Cut(s, w)
	if n := w - Width(s); n > 0 {
		return strings.Repeat(" ", n) + s
	}
	return s
}
