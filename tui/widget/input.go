package widget

import (
	"github.com/charmbracelet/bubbles/cursor"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/termsafe"
	"opsdeck/tui/theme"
)

// Input is a line of text being typed. Its cursor does not blink: an idle
// screen writes nothing to the line.
type Input struct {
	m textinput.Model
}

// NewInput makes an empty input with a prompt and a hint shown while empty.
func NewInput(prompt, hint string) Input {
	m := textinput.New()
	m.Prompt, m.Placeholder = prompt, hint
	m.Cursor.SetMode(cursor.CursorStatic)
	m.CharLimit = 10_000
	m.Focus()
	return Input{m}
}

// Key takes a key. Pasted text loses its line breaks and control characters.
func (i *Input) Key(k tea.KeyMsg) {
	if k.Type == tea.KeyRunes {
		k.Runes = []rune(termsafe.Line(string(k.Runes)))
	}
	i.m, _ = i.m.Update(k)
}

// Value is the text.
func (i *Input) Value() string { return i.m.Value() }

// Set replaces the text and puts the cursor at its end.
func (i *Input) Set(s string) { i.m.SetValue(s); i.m.CursorEnd() }

// Position is the cursor's place in runes.
func (i *Input) Position() int { return i.m.Position() }

// SetHint changes what is shown while the input is empty.
func (i *Input) SetHint(hint string) { i.m.Placeholder = hint }

// Focus and Blur show and hide the cursor.
func (i *Input) Focus() { i.m.Focus() }

// Blur hides the cursor.
func (i *Input) Blur() { i.m.Blur() }

// View draws the input in exactly w cells.
func (i *Input) View(t *theme.Theme, w int) string {
	i.m.PromptStyle = t.Accent
	i.m.PlaceholderStyle = t.Dim
	i.m.TextStyle = t.Text
	i.m.Cursor.Style = t.Selected
	i.m.Width = max(1, w-cells.Width(i.m.Prompt)-1)
	return cells.Pad(i.m.View(), w)
}
