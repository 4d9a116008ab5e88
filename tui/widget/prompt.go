package widget

import (
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/tui/page"
)

// Prompt asks for a line of text. Enter takes it, esc leaves.
type Prompt struct {
	env   *page.Env
	title lang.Msg
	body  string
	input Input
	fresh bool // the value was not touched: typing replaces it
	done  func(text string) tea.Cmd
}

// NewPrompt makes the dialog: body says what the text is for, and
// value is there to begin with.
func NewPrompt(env *page.Env, title lang.Msg, body, value string, done func(text string) tea.Cmd) *Prompt {
	p := &Prompt{env: env, title: title, body: body, input: NewInput("> ", ""), done: done}
	p.input.Set(value)
	return p
}

// Replaced makes the first letter that is typed replace the value; enter takes it as it is.
func (p *Prompt) Replaced() *Prompt {
	p.fresh = p.input.Value() != ""
	return p
}

// Update takes a key.
func (p *Prompt) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "enter":
		return p.done(p.input.Value()), true
	}
	if p.fresh && (k.Type == tea.KeyRunes || k.Type == tea.KeySpace) {
		p.input.Set("")
	}
	p.fresh = false
	p.input.Key(k)
	return nil, false
}

// View draws the dialog.
func (p *Prompt) View(size page.Size) string {
	t, e := p.env.Theme, p.env
	w := max(1, min(size.Width-4, 72))
	var lines []string
	for _, l := range cells.Wrap(termsafe.Line(p.body), w) {
		lines = append(lines, t.Dim.Render(l))
	}
	value := p.input.View(t, w)
	if p.fresh {
		value = "> " + t.Selected.Render(cells.Cut(termsafe.Line(p.input.Value()), w-2))
	}
	lines = append(lines, "", value, "",
		KeyHelp(t, "enter", e.T("done"))+"  "+KeyHelp(t, "esc", e.T("back")))
	if gap := len(lines) - 4; len(lines) > size.Height-2 { // the line that is typed comes first
		lines = lines[min(gap, len(lines)-size.Height+2):]
	}
	return Box(t, " "+e.Lang.Msg(p.title)+" ", lines, size)
}
