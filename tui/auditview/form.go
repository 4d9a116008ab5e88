package auditview

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/audit"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// form is the dialog that writes a query field by field. What its fields
// cannot say stays in the last one as it was written.
type form struct {
	p      *editor
	fields []formField
	at     int
	wrong  *audit.QueryError
}

type formField struct {
	key   string // of the query language; "" for everything else
	label lang.Msg
	input widget.Input
}

// formKeys are the fields in their order, with what to write there.
var formKeys = []struct {
	key   string
	label lang.Msg
	hint  lang.Msg
}{
	{"user", lang.M("user"), lang.M("an id or a name; several with commas")},
	{"action", lang.M("action"), lang.M("DELETE, or CREATE,UPDATE")},
	{"resource", lang.M("resource"), lang.M("ORDER, or ORDER:456")},
	{"since", lang.M("since"), lang.M("-24h, today, 2026-01-29T10:30")},
	{"until", lang.M("until"), lang.M("a time, or a day, which is included")},
	{"changed", lang.M("changed"), lang.M("a JSON path: status, items[0].qty")},
	{"ip", lang.Raw("IP"), lang.M("10.0.* for all that begin with 10.0.")},
	{"path", lang.M("path"), lang.M("/api/v1/orders*")},
	{"text", lang.M("text"), lang.M("anywhere in the row")},
	{"", lang.M("other terms"), lang.M("-user:1 excludes a term")},
}

// openForm shows the form with the query that stands there.
func (p *editor) openForm() tea.Cmd {
	f := &form{p: p}
	known := map[string]bool{"": true}
	for _, k := range p.base.src.Layout().QueryKeys() {
		known[k] = true
	}
	for _, k := range formKeys {
		if known[k.key] {
			f.fields = append(f.fields, formField{k.key, k.label, widget.NewInput("", p.base.env.Lang.Msg(k.hint))})
		}
	}
	f.fill(p.base.query)
	return tea.Batch(page.Send(page.Open{Overlay: f}), f.focus(0))
}

// fill puts the terms of a query where they belong. A key that is there twice
// stays as it was written.
func (f *form) fill(query string) {
	var rest []string
	for _, w := range audit.Split(query) {
		if in := f.field(w.Key); w.Key != "" && in != nil && in.input.Value() == "" {
			in.input.Set(w.Value)
			continue
		}
		rest = append(rest, w.Raw)
	}
	f.fields[len(f.fields)-1].input.Set(strings.Join(rest, " "))
}

func (f *form) field(key string) *formField {
	for i := range f.fields {
		if f.fields[i].key == key {
			return &f.fields[i]
		}
	}
	return nil
}

// query is what the fields say.
func (f *form) query() string {
	var terms []string
	for i := range f.fields {
		value := strings.TrimSpace(f.fields[i].input.Value())
		switch {
		case value == "":
		case f.fields[i].key == "":
			terms = append(terms, value)
		default:
			terms = append(terms, audit.TermOf(f.fields[i].key, value))
		}
	}
	return strings.Join(terms, " ")
}

// focus moves to a field and asks for the values that exist for it.
func (f *form) focus(n int) tea.Cmd {
	f.at = (n + len(f.fields)) % len(f.fields)
	for i := range f.fields {
		f.fields[i].input.Blur()
	}
	f.fields[f.at].input.Focus()
	f.check()
	field, ok := audit.QueryField(f.fields[f.at].key)
	if _, asked := f.p.known[field]; !ok || asked {
		return nil
	}
	return f.p.askValues(field)
}

func (f *form) check() {
	f.wrong = nil
	_, err := f.p.base.syntax().Parse(f.query())
	errors.As(err, &f.wrong)
}

// offers are the values that fit what stands in the field.
func (f *form) offers() []audit.Count {
	key := f.fields[f.at].key
	value := f.fields[f.at].input.Value()
	if i := strings.LastIndexByte(value, ','); i >= 0 {
		value = value[i+1:]
	}
	switch key {
	case "since", "until":
		return fitting(words("-1h", "-24h", "-7d", "-30d", "today", "yesterday"), value)
	case "changed":
		return fitting(f.p.paths(), value)
	}
	field, ok := audit.QueryField(key)
	if !ok {
		return nil
	}
	return fitting(f.p.known[field], value)
}

// take puts the best offer into the field, or moves on where there is none.
func (f *form) take() tea.Cmd {
	offers := f.offers()
	in := &f.fields[f.at].input
	if len(offers) == 0 || in.Value() == "" {
		return f.focus(f.at + 1)
	}
	head := ""
	if i := strings.LastIndexByte(in.Value(), ','); i >= 0 {
		head = in.Value()[:i+1]
	}
	in.Set(head + audit.Quote(offers[0].Value))
	f.check()
	return nil
}

// Update takes a key.
func (f *form) Update(msg tea.Msg) (tea.Cmd, bool) {
	k, ok := msg.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "enter":
		if f.check(); f.wrong != nil {
			return nil, false
		}
		return f.p.ask(f.query()), true
	case "down":
		return f.focus(f.at + 1), false
	case "up", "shift+tab":
		return f.focus(f.at - 1), false
	case "tab":
		return f.take(), false
	case "ctrl+l":
		for i := range f.fields {
			f.fields[i].input.Set("")
		}
	default:
		f.fields[f.at].input.Key(k)
	}
	f.check()
	return nil, false
}

// View draws the dialog.
func (f *form) View(size page.Size) string {
	t, e := f.p.base.env.Theme, f.p.base.env
	inner := min(68, size.Width-4)
	name := 0
	for _, in := range f.fields {
		name = max(name, cells.Width(e.Lang.Msg(in.label)))
	}
	rows := max(1, min(len(f.fields), size.Height-6))
	from := max(0, min(f.at-rows/2, len(f.fields)-rows))
	var lines []string
	for i := from; i < from+rows; i++ {
		in := &f.fields[i]
		mark := " "
		label := t.Dim.Render(cells.PadLeft(e.Lang.Msg(in.label), name))
		if i == f.at {
			mark, label = t.Accent.Render(t.Glyph.Cursor), t.Bold.Render(cells.PadLeft(e.Lang.Msg(in.label), name))
		}
		lines = append(lines, mark+label+"  "+in.input.View(t, max(4, inner-name-4)))
	}
	lines = append(lines, widget.Rule(t, "", inner), f.below(inner), f.keys(inner))
	return widget.Box(t, " "+e.T("filter")+" ", lines, size)
}

// below is what is wrong, else what fits.
func (f *form) below(w int) string {
	t := f.p.base.env.Theme
	if f.wrong != nil {
		return t.Crit.Render(cells.Cut(t.Glyph.Cross+" "+termsafe.Line(f.p.base.env.Lang.Msg(f.wrong.Msg)), w))
	}
	var parts []string
	for _, c := range f.offers()[:min(maxOffers, len(f.offers()))] {
		text := shown(c.Value)
		if c.Label != "" {
			text += " " + shown(c.Label)
		}
		if c.Rows > 0 {
			text += " " + t.Dim.Render(human.Count(c.Rows))
		}
		parts = append(parts, text)
	}
	return cells.Cut(strings.Join(parts, t.Dim.Render(" "+t.Glyph.Dot+" ")), w)
}

func (f *form) keys(w int) string {
	t, e := f.p.base.env.Theme, f.p.base.env
	help := widget.KeyHelp(t, "enter", e.T("show")) + "  " + widget.KeyHelp(t, "tab", e.T("complete")) + "  " +
		widget.KeyHelp(t, "^l", e.T("clear all")) + "  " + widget.KeyHelp(t, "esc", e.T("back"))
	return cells.Cut(help, w)
}
