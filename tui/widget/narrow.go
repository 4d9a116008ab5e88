package widget

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/tui/page"
)

// Narrow is what dialogs share that shorten a list by typing a part of it: the
// input, the cursor, the keys and the frame. The dialog keeps the list.
type Narrow struct {
	Input  Input
	Foot   func(at, width int) []string // more about the line at the cursor; may be nil
	scroll Scroll
}

// Narrowed is what a key did to the dialog.
type Narrowed int

// What a key did.
const (
	NarrowKept  Narrowed = iota // nothing but moving the cursor
	NarrowTyped                 // the text is another: the list is to be made anew
	NarrowTaken                 // the line at the cursor was taken
	NarrowLeft                  // the dialog was left
)

// Top puts the cursor on the first line, for a new list.
func (n *Narrow) Top() { n.scroll = Scroll{} }

// Cursor is the line that it is on.
func (n *Narrow) Cursor() int { return n.scroll.Cursor }

// Key takes a key; lines is how long the list is.
func (n *Narrow) Key(k tea.KeyMsg, lines int) Narrowed {
	switch k.String() {
	case "esc", "ctrl+c":
		return NarrowLeft
	case "up", "down", "pgup", "pgdown":
		n.move(k.String(), lines)
	case "enter":
		if lines > 0 {
			return NarrowTaken
		}
	default:
		before := n.Input.Value()
		if n.Input.Key(k); n.Input.Value() != before {
			return NarrowTyped
		}
	}
	return NarrowKept
}

// move moves the cursor; a step over an edge goes on at the other.
func (n *Narrow) move(key string, lines int) {
	n.scroll.Len = lines
	switch at := n.scroll.Cursor; {
	case key == "up" && at == 0:
		n.scroll.Key("end")
	case key == "down" && at == lines-1:
		n.scroll.Key("home")
	default:
		n.scroll.Key(key)
	}
}

// View draws the dialog: so many lines, each by row, or the sentence for none.
func (n *Narrow) View(env *page.Env, title lang.Msg, lines int, none string,
	row func(i int, selected bool, width int) string, size page.Size) string {
	t := env.Theme
	w := max(1, min(size.Width-4, 76))
	const around = 5 // two edges, the input, the rule, the keys
	var foot []string
	room := size.Height - around
	if n.Foot != nil && lines > 0 {
		foot = n.Foot(n.scroll.Cursor, w)
		room -= len(foot)
	}
	h := max(1, min(room, 14))
	n.scroll.Resize(lines, h)
	out := []string{n.Input.View(t, w), Rule(t, "", w)}
	from, to := n.scroll.Window()
	for i := from; i < to; i++ {
		out = append(out, row(i, i == n.scroll.Cursor, w))
	}
	if lines == 0 {
		out = append(out, t.Dim.Render(none))
	}
	for len(out) < h+2 {
		out = append(out, "")
	}
	out = append(append(out, foot...), KeyHelp(t, "enter", env.T("choose"))+"  "+KeyHelp(t, "esc", env.T("back")))
	return Box(t, " "+env.Lang.Msg(title)+" ", out, size)
}
