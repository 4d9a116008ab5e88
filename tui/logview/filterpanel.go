package logview

import (
	"fmt"
	"slices"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/tui/page"
	"opsdeck/tui/theme"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// panelled is the least height at which a panel leaves room for the list above it.
const panelled = 16

// panelMost is the most rows of a panel below the list.
const panelMost = 8

func (k *kept) openFilters() tea.Cmd {
	k.look.mode = filterMode
	return k.feed.load()
}

// closePanel shows the list alone again.
func (p *feed) closePanel() tea.Cmd {
	p.look.mode = listMode
	return p.load()
}

// panelRows is how many rows the panel that is open has, with its title; 0 for none.
func (p *Page) panelRows() int {
	rows := 0
	switch p.look.mode {
	case filterMode:
		rows = max(1, len(p.kept.list))
	case fileMode:
		rows = max(1, len(p.files.rows()))
	default:
		return 0
	}
	return 1 + min(rows, panelMost, p.look.size.Height/3)
}

// viewPanel draws the panel that is open, in so many rows.
func (p *Page) viewPanel(width, height int) []string {
	if p.look.mode == fileMode {
		return p.files.view(width, height)
	}
	return p.kept.view(width, height)
}

// view draws the filters.
func (k *kept) view(width, height int) []string {
	e := k.look.env
	out := []string{k.look.rule(e.T("kept filters"), width)}
	if len(k.list) == 0 {
		return append(out, k.look.ink.dim.Paint(cells.Cut("  "+e.T("none yet: a keeps the search as a filter"), width)))
	}
	k.scroll.Resize(len(k.list), height-1)
	from, to := k.scroll.Window()
	for i := from; i < to; i++ {
		row := k.row(i)
		if i == k.scroll.Cursor {
			row = widget.SelectedRow(e.Theme, row, width)
		} else {
			row = " " + row
		}
		out = append(out, cells.Cut(row, width))
	}
	return out
}

func (k *kept) row(i int) string {
	e, f := k.look.env, k.list[i]
	on := "[ ]"
	if f.On {
		on = "[x]"
	}
	does := map[string]string{FilterIn: e.T("in"), FilterOut: e.T("out"), FilterMark: e.T("highlight")}[f.Does]
	text := termsafe.Line(f.Query)
	if f.Does == FilterMark {
		text = k.ink(i).Paint(text)
		does += " " + k.colour(i)
	}
	if k.ready[i] == nil {
		text += " " + k.look.ink.crit.Paint(e.T("(cannot be parsed)"))
	}
	if f.Rule {
		text += k.look.ink.dim.Paint("  " + e.T("from the configuration"))
	}
	return fmt.Sprintf("%s %s %s %s", k.sign(i), on, cells.Pad(does, 17), text+k.countOf(f.Query))
}

// colour is the word of a highlight's colour.
func (k *kept) colour(i int) string {
	e := k.look.env
	words := []string{e.T("red"), e.T("yellow"), e.T("green"), e.T("cyan"), e.T("blue"), e.T("magenta")}
	return words[max(0, slices.Index(theme.MarkColours, k.list[i].Colour))]
}

func (k *kept) filterActions() []page.Action {
	none := func() lang.Msg {
		if len(k.list) == 0 {
			return lang.M("no filter is kept")
		}
		return lang.Msg{}
	}
	own := func() lang.Msg {
		if m := none(); !m.Empty() {
			return m
		}
		if k.list[k.scroll.Cursor].Rule {
			return lang.M("this rule is from the configuration (highlights:): it can only be switched on or off here")
		}
		return lang.Msg{}
	}
	return []page.Action{
		{
			ID:     "logs.back",
			Keys:   []string{"esc", "F", "backspace"},
			Label:  lang.M("back"),
			Help:   lang.M("back to the list"),
			Footer: true,
			Run:    k.feed.closePanel,
		},
		{
			ID:     "logs.filteron",
			Keys:   []string{" ", "x"},
			Label:  lang.M("on or off"),
			Help:   lang.M("switch the filter on or off"),
			Footer: true,
			Off:    none,
			Run: func() tea.Cmd {
				return k.changeFilter(func(f *Filter) { f.On = !f.On })
			},
		},
		{
			ID:     "logs.filteradd",
			Keys:   []string{"a", "+"},
			Label:  lang.M("add"),
			Help:   lang.M("keep the search, or another query, as a filter"),
			Footer: true,
			Run:    k.askFilter,
		},
		{
			ID:     "logs.filterdoes",
			Keys:   []string{"m"},
			Label:  lang.M("in, out, highlight"),
			Help:   lang.M("show what the filter matches, exclude it, or highlight it"),
			Footer: true,
			Off:    own,
			Run: func() tea.Cmd {
				return k.changeFilter(func(f *Filter) { f.Does = after(f.Does, FilterIn, FilterOut, FilterMark) })
			},
		},
		{
			ID:     "logs.filtercolour",
			Keys:   []string{"c"},
			Label:  lang.M("colour"),
			Help:   lang.M("highlight in the next colour"),
			Footer: true,
			Off:    own,
			Run: func() tea.Cmd {
				return k.changeFilter(func(f *Filter) {
					f.Does, f.Colour = FilterMark, after(f.Colour, theme.MarkColours...)
				})
			},
		},
		{
			ID:     "logs.filteredit",
			Keys:   []string{"enter", "e"},
			Label:  lang.M("edit"),
			Help:   lang.M("edit the filter's query"),
			Footer: true,
			Off:    own,
			Run:    k.editFilter,
		},
		{
			ID:     "logs.filterremove",
			Keys:   []string{"d", "delete"},
			Label:  lang.M("remove"),
			Help:   lang.M("remove the filter, after a confirmation"),
			Footer: true,
			Off:    own,
			Run:    k.removeFilter,
		},
		k.countAction(none),
	}
}

// after is the one after it in a round.
func after(it string, all ...string) string { return all[(slices.Index(all, it)+1)%len(all)] }

// changeFilter changes the filter under the cursor.
func (k *kept) changeFilter(do func(*Filter)) tea.Cmd {
	list := slices.Clone(k.list)
	do(&list[k.scroll.Cursor])
	return k.setFilters(list)
}

// setFilters takes another list of filters, and keeps it for the next time.
func (k *kept) setFilters(list []Filter) tea.Cmd {
	k.set(list)
	return tea.Batch(k.finder.apply(), k.session.save())
}

// askFilter asks for a query to keep.
func (k *kept) askFilter() tea.Cmd {
	searched := strings.TrimSpace(k.ask.query.Source)
	return k.promptFilter(lang.M("Keep a filter"), searched, true, func(text string) tea.Cmd {
		return k.addFilter(Filter{Query: text, Does: FilterIn, Colour: theme.MarkColours[0], On: true})
	})
}

// addFilter puts a filter after the person's own, before the rules of the configuration.
func (k *kept) addFilter(f Filter) tea.Cmd {
	at := slices.IndexFunc(k.list, func(f Filter) bool { return f.Rule })
	if at < 0 {
		at = len(k.list)
	}
	k.scroll.Cursor = at
	clear := func() tea.Cmd { return nil }
	if k.ask.query.Source == f.Query { // it is looked for by the filter from now on
		k.box.input.Set("")
		clear = func() tea.Cmd { return k.finder.search("") }
	}
	cmd := k.setFilters(slices.Insert(slices.Clone(k.list), at, f))
	return tea.Batch(cmd, clear())
}

func (k *kept) editFilter() tea.Cmd {
	was := k.list[k.scroll.Cursor].Query
	return k.promptFilter(lang.M("Edit the filter"), was, false, func(text string) tea.Cmd {
		return k.changeFilter(func(f *Filter) { f.Query = text })
	})
}

func (k *kept) promptFilter(title lang.Msg, was string, adds bool, do func(string) tea.Cmd) tea.Cmd {
	hint := k.look.env.T("a query as in the search: level:error context:X 'exact !not /regexp/")
	prompt := widget.NewPrompt(k.look.env, title, hint, was, func(text string) tea.Cmd {
		if text = strings.TrimSpace(text); text == "" {
			return nil
		}
		if _, err := readFilter(text, k.look.env.Clock.Now()); err != nil {
			what := lang.M("cannot parse the filter: %s", lang.Raw(err.Error()))
			return page.Send(page.Notice{State: ops.StateWarning, Text: what})
		}
		return do(text)
	})
	if adds { // a search was made for something else perhaps
		prompt.Replaced()
	}
	return page.Send(page.Open{Overlay: prompt})
}

func (k *kept) removeFilter() tea.Cmd {
	at := k.scroll.Cursor
	f := k.list[at]
	return page.Send(page.Open{Overlay: widget.NewAsk(
		k.look.env, lang.M("Remove the filter"), []lang.Msg{lang.Raw(f.Query)}, false,
		widget.Choice{Key: "d", Label: lang.M("remove"), Run: func() tea.Cmd {
			if at >= len(k.list) || k.list[at] != f {
				return nil
			}
			return k.setFilters(slices.Delete(slices.Clone(k.list), at, at+1))
		}},
	)})
}
