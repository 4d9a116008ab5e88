package logview

import (
	"strings"

	"opsdeck/internal/jsontext"
	"opsdeck/internal/lang"
	"opsdeck/ops/logs"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"

	tea "github.com/charmbracelet/bubbletea"
)

// pair is one thing that an event says, by the name that a query knows it by.
type pair struct {
	name, value string
	bare        bool // the name is in the text: the query needs no key
}

// pairsOf are the things of an event that a query can ask for.
func pairsOf(e *logs.Event) (out []pair) {
	if e.Level != logs.LevelUnknown {
		out = append(out, pair{name: "level", value: strings.ToLower(e.Level.String())})
	}
	if e.Context != "" {
		out = append(out, pair{name: "context", value: e.Context})
	}
	for _, f := range e.Fields {
		if f.JSON && strings.HasPrefix(f.Value, "{") {
			out = append(out, pairsIn(f.Key, f.Value, 0)...)
			continue
		}
		if !strings.ContainsRune(f.Text(), '\n') {
			out = append(out, pair{name: f.Key, value: f.Text()})
		}
	}
	return append(out, messagePairs(e)...)
}

// pairsIn are the values inside an object, by their dotted names.
func pairsIn(name, object string, depth int) (out []pair) {
	inside, _ := jsontext.Pairs(object)
	for _, in := range inside {
		key := name + "." + in.Key
		if strings.HasPrefix(in.Value, "{") && depth < 4 {
			out = append(out, pairsIn(key, in.Value, depth+1)...)
			continue
		}
		if text := jsontext.Text(in.Value); !strings.ContainsRune(text, '\n') {
			out = append(out, pair{name: key, value: text})
		}
	}
	return out
}

// askField takes a field of the event that is open into the query: only events with its value, or
// with without those without it.
func (p *Page) askField(without bool) func() tea.Cmd {
	return func() tea.Cmd {
		pairs := pairsOf(&p.sheet.detail.event)
		var items []widget.Item
		for _, v := range pairs {
			items = append(items, widget.Item{Name: v.name, Detail: v.value})
		}
		title := lang.M("Only events with")
		if without {
			title = lang.M("Only events without")
		}
		return page.Send(page.Open{Overlay: widget.NewPick(p.look.env, title, items, func(i int) tea.Cmd {
			word := p.finder.wordOf(pairs[i])
			if without {
				word = "!" + word
			}
			p.look.mode = listMode
			return p.finder.take(word)
		})})
	}
}

// wordOf is the word of a query that finds events by a thing that one says.
func (p *finder) wordOf(v pair) string {
	if v.bare {
		return v.name + "=" + v.value
	}
	value := strings.ReplaceAll(v.value, " ", `\ `)
	if v.name == "level" || v.name == "context" {
		return v.name + ":" + value
	}
	return "field." + v.name + "=" + value
}

func (p *sheet) noField() lang.Msg {
	if !p.detail.ok || len(pairsOf(&p.detail.event)) == 0 {
		return lang.M("the event has no field")
	}
	return lang.Msg{}
}
