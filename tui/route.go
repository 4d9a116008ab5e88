package tui

import (
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/tui/page"
)

// route sends a message to whom it is for.
func (c *Console) route(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		c.size = page.Size{Width: m.Width, Height: m.Height}
		return c.broadcast(page.Room{Verdict: verdictRoom(m.Width, m.Height)})
	case tea.KeyMsg:
		return c.typed(m)
	case tea.MouseMsg:
		return c.pointer(m)
	case page.Msg:
		cmd := c.deliver(m)
		reconsider(c)
		return cmd
	case page.Goto:
		return c.goToPage(m)
	case page.Incident:
		return c.broadcast(m)
	case page.Changed:
		return c.broadcast(m)
	case page.Notice:
		return c.notify(m.State, m.Text)
	case clearNotice:
		if m.n == c.noticed {
			c.notice = page.Notice{}
		}
	case page.Verdict:
		c.verdict = m
	case page.Open:
		c.push(m.Overlay)
	case page.Close:
		c.settle(&overlay{Overlay: m.Overlay}, true)
	case page.Copy:
		return c.copyText(m.Text)
	case quitMsg:
		return tea.Quit
	default:
		return answer(c, msg)
	}
	return nil
}

// answer gives what a dialog asked for to the dialogs, the top one first: the one that
// asked may have another above it by now.
func answer(c *Console, msg tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, o := range slices.Backward(slices.Clone(c.stack)) {
		if msg == nil {
			break
		}
		cmd, done := o.Overlay.Update(msg)
		c.settle(&o, done)
		cmds = append(cmds, cmd)
	}
	return tea.Batch(cmds...)
}

// typed splits what arrived in one read: over a slow line several keys come as
// one message. Pasted text stays whole, and means nothing where no text is taken.
func (c *Console) typed(k tea.KeyMsg) tea.Cmd {
	if k.Paste && c.top() == nil && !c.page().TakingText() {
		return nil
	}
	if k.Paste {
		return c.pasted(k)
	}
	if k.Type != tea.KeyRunes || k.Paste || k.Alt || len(k.Runes) < 2 {
		return c.key(k)
	}
	var cmds []tea.Cmd
	for _, r := range k.Runes {
		cmds = append(cmds, c.key(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}))
	}
	return tea.Batch(cmds...)
}

// pasted takes pasted text up to its first line break, which ends the line as Enter
// does where the page takes text. In a dialog it ends the text alone: nothing is
// confirmed by pasting.
func (c *Console) pasted(k tea.KeyMsg) tea.Cmd {
	text := string(k.Runes)
	end := strings.IndexAny(text, "\r\n")
	if end < 0 {
		return c.key(k)
	}
	dialog := c.top() != nil
	k.Runes = []rune(text[:end])
	var cmd tea.Cmd
	if end > 0 {
		cmd = c.key(k)
	}
	if dialog {
		return cmd
	}
	return tea.Batch(cmd, c.key(tea.KeyMsg{Type: tea.KeyEnter}))
}

// key is the fixed order: open overlay, page that takes text, global actions,
// active page.
func (c *Console) key(k tea.KeyMsg) tea.Cmd {
	name := k.String()
	switch name {
	case "ctrl+l":
		return tea.ClearScreen
	case "ctrl+z":
		return c.suspend()
	}
	if top := c.top(); top != nil {
		if !top.listening(c.env.Clock.Now()) {
			return c.notify(ops.StateWarning, lang.M("that key was pressed before the question appeared: press it "+
				"again"))
		}
		cmd, done := top.Overlay.Update(k)
		c.settle(top, done)
		return cmd
	}
	if name == "ctrl+c" {
		return c.interrupt()
	}
	if c.page().TakingText() {
		return c.pageKey(k)
	}
	if a, ok := page.ForKey(c.actions, name); ok {
		return c.run(a)
	}
	return c.pageKey(k)
}

// pageKey gives a key to the page. A notice makes room for a line that begins to take
// text.
func (c *Console) pageKey(k tea.KeyMsg) tea.Cmd {
	took := c.page().TakingText()
	cmd := toPage(c, k)
	if !took && c.page().TakingText() {
		c.notice = page.Notice{}
	}
	return cmd
}

func toPage(c *Console, k tea.KeyMsg) tea.Cmd {
	p := c.page()
	if !p.TakingText() {
		name := k.String()
		if name == "f5" { // as everywhere; each page's own key for it is r
			name = "r"
		}
		if a, ok := page.ForKey(p.Actions(), name); ok {
			return c.run(a)
		}
		if k.Type == tea.KeyRunes && !k.Alt && !moves[name] {
			return tea.Batch(p.Key(k), c.notify(ops.StateWarning, nothing(c, name)))
		}
	}
	return p.Key(k)
}

// nothing says that a key does nothing: why not now, where the page knows the key.
func nothing(c *Console, name string) lang.Msg {
	if staged, ok := c.page().(page.Staged); ok {
		if a, ok := page.ForKey(staged.Later(), name); ok {
			if why := a.Why(c.env); !why.Empty() {
				return why
			}
		}
	}
	return lang.M("%s does nothing here; ? lists the keys", termsafe.Line(name))
}

// moves are the letters that move in a list or a text, where no action of a page has them.
var moves = map[string]bool{"j": true, "k": true, "g": true, "G": true, " ": true}

// run does an action, or says why it cannot be done now.
func (c *Console) run(a page.Action) tea.Cmd {
	if why := a.Why(c.env); !why.Empty() {
		cmd := c.notify(ops.StateWarning, why)
		c.refused = func() lang.Msg { return a.Why(c.env) }
		return cmd
	}
	return a.Run()
}

// reconsider takes away the reason for which a key was refused when it no longer
// holds: "there is no plan yet" does not stay under the plan.
func reconsider(c *Console) {
	if c.refused != nil && c.refused().Empty() {
		c.notice, c.refused = page.Notice{}, nil
	}
}

func (c *Console) deliver(m page.Msg) tea.Cmd {
	for _, p := range c.o.Pages {
		if p.ID() != m.To {
			continue
		}
		if e, ok := p.(page.Envelope); ok {
			return e.Receive(m)
		}
		return p.Update(m.Body)
	}
	return nil
}

func (c *Console) goToPage(m page.Goto) tea.Cmd {
	for i, p := range c.o.Pages {
		if p.ID() == m.Page {
			cmd := c.goTo(i)
			if m.Body == nil {
				return cmd
			}
			return tea.Batch(cmd, p.Update(m.Body))
		}
	}
	return nil
}

func (c *Console) broadcast(body any) tea.Cmd {
	var cmds []tea.Cmd
	for _, p := range c.o.Pages {
		cmds = append(cmds, p.Update(body))
	}
	return tea.Batch(cmds...)
}

func (c *Console) copyText(text string) tea.Cmd {
	put := c.o.Copy
	if put == nil {
		return nil
	}
	return func() tea.Msg {
		how, err := put(text)
		if err != nil {
			return page.Notice{State: ops.StateWarning, Text: how}
		}
		return page.Notice{State: ops.StateOK, Text: how}
	}
}

// pointer is the mouse: a click on a tab, else the page's.
func (c *Console) pointer(m tea.MouseMsg) tea.Cmd {
	if c.top() != nil {
		return nil
	}
	if m.Y == 0 {
		if m.Action == tea.MouseActionPress && m.Button == tea.MouseButtonLeft {
			return c.goTo(c.tabAt(m.X))
		}
		return nil
	}
	if p, ok := c.page().(page.Mouser); ok {
		return p.Mouse(m, m.X, m.Y-c.headHeight())
	}
	return nil
}
