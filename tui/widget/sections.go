package widget

import "opsdeck/tui/theme"

// Sections are lines below titles, as the page of one thing shows them.
type Sections struct {
	Theme *theme.Theme
	Lines []string
}

// sectionIndent is how far a section's lines stand in, in cells.
const sectionIndent = 3

// Inner is the width that a section's lines have in a page of the given width.
func (s *Sections) Inner(width int) int { return max(1, width-sectionIndent-1) }

// Add puts a section below those there are; one without lines is left out.
func (s *Sections) Add(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	if len(s.Lines) > 0 {
		s.Lines = append(s.Lines, "")
	}
	s.Lines = append(s.Lines, " "+s.Theme.Accent.Render(title))
	for _, l := range lines {
		s.Lines = append(s.Lines, "   "+l)
	}
}
