package tui

import (
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// grace is how long a guarded dialog must have been visible before it listens:
// keys typed before a person could see it never reach it.
const grace = 250 * time.Millisecond

// overlay is a dialog on the stack and when it was first drawn.
type overlay struct {
	page.Overlay
	shown time.Time
}

func (o *overlay) listening(now time.Time) bool {
	g, ok := o.Overlay.(interface{ Guarded() bool })
	if !ok || !g.Guarded() {
		return true
	}
	return !o.shown.IsZero() && now.Sub(o.shown) >= grace
}

func (c *Console) push(o page.Overlay) { c.stack = append(c.stack, overlay{Overlay: o}) }

func (c *Console) top() *overlay {
	if len(c.stack) == 0 {
		return nil
	}
	return &c.stack[len(c.stack)-1]
}

// settle takes an overlay off the stack when it is done, wherever it stands by
// then: its answer may have opened another.
func (c *Console) settle(o *overlay, done bool) {
	if !done {
		return
	}
	for i := range c.stack {
		if c.stack[i].Overlay == o.Overlay {
			c.stack = append(c.stack[:i], c.stack[i+1:]...)
			return
		}
	}
}

// help lists the keys of the page and of the console.
func (c *Console) help() page.Overlay {
	t, e := c.env.Theme, c.env
	var lines []string
	section := func(title string, actions []page.Action) {
		if len(actions) == 0 {
			return
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, t.Title.Render(title))
		for _, a := range actions {
			if len(a.Keys) == 0 {
				continue
			}
			lines = append(lines, c.helpLines(a)...)
		}
	}
	section(e.Lang.Msg(c.page().Title()), c.page().Actions())
	section(e.T("Moving"), movement)
	section(e.T("Everywhere"), c.actions)
	text := widget.NewText(e, lang.M("Help"), lines, "")
	if c.o.Runbooks != nil {
		text.Offer(widget.Choice{Key: "r", Label: lang.M("runbooks: what to do"), Run: c.o.Runbooks})
	}
	return text
}

// helpKeys is how wide the keys are in the help, boxSides what its frame takes.
const (
	helpKeys = 12
	boxSides = 4
)

// helpLines are a key and what it does, wrapped beside the key.
func (c *Console) helpLines(a page.Action) []string {
	t, e := c.env.Theme, c.env
	text := e.Lang.Msg(a.Help)
	style := t.Text
	if why := a.Why(e); !why.Empty() {
		text += " – " + e.Lang.Msg(why)
		style = t.Dim
	}
	key := t.Key.Render(cells.Pad(keyNames(a.Keys), helpKeys))
	var lines []string
	for _, part := range cells.Wrap(text, max(8, c.size.Width-boxSides-helpKeys-1)) {
		lines = append(lines, key+" "+style.Render(part))
		key = strings.Repeat(" ", helpKeys)
	}
	return lines
}

// movement describes the keys that lists share, for the help alone.
var movement = []page.Action{
	{Keys: []string{"up", "down"}, Help: lang.M("one row; also k and j")},
	{Keys: []string{"pgup", "pgdown"}, Help: lang.M("one page; also ctrl+b and ctrl+f")},
	{Keys: []string{"g", "G"}, Help: lang.M("to the start, to the end")},
	{Keys: []string{"esc"}, Help: lang.M("back")},
}

func keyNames(keys []string) string {
	s := ""
	for i, k := range keys {
		if i > 0 {
			s += " "
		}
		s += keyName(k)
	}
	return s
}

// keyName is how a key is written for people.
func keyName(key string) string {
	switch key {
	case "up":
		return "↑"
	case "down":
		return "↓"
	case " ":
		return "space"
	case "pgdown":
		return "pgdn"
	}
	return key
}
