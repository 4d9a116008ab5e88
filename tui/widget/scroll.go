// Package widget holds the parts that several pages draw with. They keep what
// they show, draw what they are told, and do no I/O.
package widget

// Scroll is a cursor in a list of which a window is visible. The zero value is
// at the top of an empty list.
type Scroll struct {
	Len    int // rows in the list
	Cursor int // the row the cursor is on
	Top    int // the first visible row
	height int
}

// Resize sets how many rows the list has and how many are visible, and keeps
// the cursor in sight.
func (s *Scroll) Resize(length, height int) {
	s.Len = max(length, 0)
	s.height = max(height, 1)
	s.Move(0)
}

// Move moves the cursor by n rows, as far as the list goes.
func (s *Scroll) Move(n int) {
	s.Cursor = max(0, min(s.Cursor+n, s.Len-1))
	height := max(s.height, 1)
	if s.Cursor < s.Top {
		s.Top = s.Cursor
	}
	if s.Cursor >= s.Top+height {
		s.Top = s.Cursor - height + 1
	}
	s.Top = max(0, min(s.Top, s.Len-height))
}

// Window is the visible part: rows from up to but without to.
func (s *Scroll) Window() (from, to int) {
	return s.Top, min(s.Len, s.Top+max(s.height, 1))
}

// Key moves the cursor for the usual keys and tells whether it knew the key.
func (s *Scroll) Key(key string) bool {
	page := max(s.height-1, 1)
	switch key {
	case "up", "k":
		s.Move(-1)
	case "down", "j":
		s.Move(1)
	case "pgup", "ctrl+b":
		s.Move(-page)
	case "pgdown", "ctrl+f", " ":
		s.Move(page)
	case "ctrl+u":
		s.Move(-page / 2)
	case "ctrl+d":
		s.Move(page / 2)
	case "home", "g":
		s.Move(-s.Len)
	case "end", "G":
		s.Move(s.Len)
	default:
		return false
	}
	return true
}
