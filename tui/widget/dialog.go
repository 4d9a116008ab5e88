package widget

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/tui/page"
)

// Confirm asks for a destructive act: the person must type a name, the target
// database's. A body that is too long for the screen scrolls. Esc leaves with
// nothing done.
type Confirm struct {
	env   *page.Env
	title lang.Msg
	body  []lang.Msg // what will happen, a sentence a line
	name  string
	input Input
	yes   func() tea.Cmd
	wrong bool
	part  Ask // the part of the body that is in sight

	lines, seen int  // of the body: all, and those that were in sight
	unread      bool // the name was typed before all of it was
}

// NewConfirm makes the dialog; yes runs once, when the name has been typed.
func NewConfirm(env *page.Env, title lang.Msg, body []lang.Msg, name string, yes func() tea.Cmd) *Confirm {
	return &Confirm{env: env, title: title, body: body, name: name, yes: yes, input: NewInput("> ", ""),
		part: Ask{env: env}}
}

// Guarded makes the console drop keys that were typed before the dialog showed.
func (c *Confirm) Guarded() bool { return true }

// Update takes a key.
func (c *Confirm) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "enter":
		if c.unread = c.seen < c.lines; c.unread {
			c.part.scroll("pgdown")
			return nil, false
		}
		if c.input.Value() == c.name {
			return c.yes(), true
		}
		c.wrong = true
		return nil, false
	}
	if c.part.scroll(k.String()) {
		return nil, false
	}
	c.wrong = false
	c.input.Key(k)
	return nil, false
}

// View draws the dialog.
func (c *Confirm) View(size page.Size) string {
	t, e := c.env.Theme, c.env
	w := min(size.Width-4, 72)
	var body []string
	for _, m := range c.body {
		body = append(body, cells.Wrap(termsafe.Text(e.Lang.Msg(m)), w)...)
	}
	const asking = 4 // the question, the input, the answer's mark, the keys
	shown := c.part.window(body, size.Height-2-asking)
	c.lines, c.seen = len(body), max(c.seen, min(len(body), c.part.top+c.part.height))
	if c.part.height == 0 { // so small a screen shows none of it, ever
		c.seen = c.lines
	}
	lines := append(shown,
		cells.Cut(e.T("Type %s to continue:", t.Bold.Render(termsafe.Line(c.name))), w), c.input.View(t, w))
	if c.unread && c.seen < c.lines {
		lines = append(lines, t.Warn.Render(cells.Cut(e.T("Read on first: pgdn. Nothing was done."), w)))
	} else if c.wrong {
		lines = append(lines, t.Crit.Render(e.T("That is not the name. Nothing was done.")))
	} else {
		lines = append(lines, "")
	}
	lines = append(lines, KeyHelp(t, "enter", e.T("do it"))+"  "+KeyHelp(t, "esc", e.T("cancel; nothing is done")))
	return Box(t, " "+e.Lang.Msg(c.title)+" ", lines, size)
}

// Choice is an answer that a dialog offers.
type Choice struct {
	Key   string
	Label lang.Msg
	Run   func() tea.Cmd // may be nil
	Stay  bool           // the dialog stays below what the answer opens
}

// Ask is a dialog with a few answers, each by its key; esc leaves. The answers
// are always in sight: a body that is too long for the screen scrolls.
type Ask struct {
	env     *page.Env
	title   lang.Msg
	body    []lang.Msg
	choices []Choice
	guarded bool
	top     int // first line of the body that is shown
	height  int // lines of it that fit
}

// NewAsk makes the dialog. guarded drops keys typed before it showed: for a
// dialog that opens by itself.
func NewAsk(env *page.Env, title lang.Msg, body []lang.Msg, guarded bool, choices ...Choice) *Ask {
	return &Ask{env: env, title: title, body: body, choices: choices, guarded: guarded}
}

// Guarded tells whether early keys are dropped.
func (a *Ask) Guarded() bool { return a.guarded }

// Update takes a key.
func (a *Ask) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	if k.String() == "esc" || k.String() == "ctrl+c" {
		return nil, true
	}
	for _, c := range a.choices {
		if c.Key == k.String() {
			if c.Run == nil {
				return nil, true
			}
			return c.Run(), !c.Stay
		}
	}
	switch name := k.String(); {
	case a.scroll(name):
	case name == " ":
		a.top += a.height
	case name == "q" && len(a.choices) > 0:
		return page.Send(page.Notice{State: ops.StateWarning,
			Text: lang.M("q is not an answer here: esc leaves the question, then q quits")}), false
	case k.Type == tea.KeyRunes && len(a.choices) > 0:
		return page.Send(page.Notice{State: ops.StateWarning,
			Text: lang.M("%s is not an answer here; esc leaves the question", termsafe.Line(name))}), false
	}
	return nil, false
}

// scroll moves the part of the body that is in sight; it tells whether the key does.
func (a *Ask) scroll(key string) bool {
	switch key {
	case "up":
		a.top--
	case "down":
		a.top++
	case "pgup":
		a.top -= a.height
	case "pgdown":
		a.top += a.height
	default:
		return false
	}
	return true
}

// View draws the dialog.
func (a *Ask) View(size page.Size) string {
	t, e := a.env.Theme, a.env
	w := min(size.Width-4, 72)
	var body, keys []string
	for _, m := range a.body {
		body = append(body, cells.Wrap(termsafe.Text(e.Lang.Msg(m)), w)...)
	}
	for _, c := range a.choices {
		keys = append(keys, KeyHelp(t, c.Key, e.Lang.Msg(c.Label)))
	}
	keys = flow(append(keys, KeyHelp(t, "esc", e.T("back"))), w)
	lines := a.window(body, size.Height-2-len(keys))
	return Box(t, " "+e.Lang.Msg(a.title)+" ", append(lines, keys...), size)
}

// window is the part of the body that fits into so many lines, with a blank or a
// mark of what is more below it.
func (a *Ask) window(body []string, height int) []string {
	t, e := a.env.Theme, a.env
	a.height = max(0, height-1)
	a.top = max(0, min(a.top, len(body)-a.height))
	if len(body) <= a.height {
		return append(body, "")
	}
	if height < 1 {
		return nil
	}
	to := a.top + a.height
	more := lang.M("%d–%d of %d: space", min(a.top+1, to), to, len(body))
	if len(a.choices) == 0 { // what is typed goes into a field
		more = lang.M("%d–%d of %d: pgdn", min(a.top+1, to), to, len(body))
	}
	return append(body[a.top:to:to], t.Dim.Render(e.Lang.Msg(more)))
}

// flow puts parts beside each other, as many as fit on a line; none is torn.
func flow(parts []string, w int) (lines []string) {
	for _, part := range parts {
		if n := len(lines); n > 0 && cells.Width(lines[n-1])+2+cells.Width(part) <= w {
			lines[n-1] += "  " + part
			continue
		}
		lines = append(lines, cells.Wrap(part, w)...)
	}
	return lines
}

// Text shows lines to read and scroll; esc, q or enter leaves, y copies.
type Text struct {
	env    *page.Env
	title  lang.Msg
	lines  []string
	copy   string
	offer  []Choice
	scroll Scroll
}

// NewText makes the dialog from lines that are safe to show; copied is what y
// copies, "" for nothing.
func NewText(env *page.Env, title lang.Msg, lines []string, copied string) *Text {
	return &Text{env: env, title: title, lines: lines, copy: copied}
}

// Offer adds a key that leaves the text and does something.
func (d *Text) Offer(c Choice) { d.offer = append(d.offer, c) }

// Update takes a key.
func (d *Text) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	for _, c := range d.offer {
		if c.Key == k.String() {
			return c.Run(), true
		}
	}
	switch k.String() {
	case "esc", "q", "enter", "?", "ctrl+c":
		return nil, true
	case "y":
		if d.copy != "" {
			return page.Send(page.Copy{Text: d.copy}), false
		}
	case "up", "k":
		d.scroll.Top = max(0, d.scroll.Top-1)
	case "down", "j":
		d.scroll.Top++
	case "pgup":
		d.scroll.Top = max(0, d.scroll.Top-d.scroll.height)
	case "pgdown", " ":
		d.scroll.Top += d.scroll.height
	case "home", "g":
		d.scroll.Top = 0
	case "end", "G":
		d.scroll.Top = len(d.lines)
	}
	return nil, false
}

// View draws the dialog.
func (d *Text) View(size page.Size) string {
	t, e := d.env.Theme, d.env
	height := max(1, size.Height-4)
	d.scroll.height = height
	d.scroll.Top = max(0, min(d.scroll.Top, len(d.lines)-height))
	to := min(len(d.lines), d.scroll.Top+height)
	lines := append([]string{}, d.lines[d.scroll.Top:to]...)
	foot := KeyHelp(t, "esc", e.T("back"))
	if d.copy != "" {
		foot = KeyHelp(t, "y", e.T("copy")) + "  " + foot
	}
	for _, c := range d.offer {
		foot = KeyHelp(t, c.Key, e.Lang.Msg(c.Label)) + "  " + foot
	}
	if to-d.scroll.Top < len(d.lines) {
		foot += t.Dim.Render(e.T("  %d–%d of %d", d.scroll.Top+1, to, len(d.lines)))
	}
	return Box(t, " "+e.Lang.Msg(d.title)+" ", append(lines, "", foot), size)
}
