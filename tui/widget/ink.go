package widget

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// Ink is a style worked out once: what stands before and behind a text. It is
// for lists with many cells, where rendering a style anew for each would be most
// of the frame. Text must be of one line.
type Ink struct{ on, off string }

// NewInk works a style out. Styles with a width, padding or border are not for it.
func NewInk(s lipgloss.Style) Ink {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return Ink{on, off}
}

// Paint styles a text. The empty text stays empty.
func (i Ink) Paint(text string) string {
	if text == "" {
		return ""
	}
	return i.on + text + i.off
}
