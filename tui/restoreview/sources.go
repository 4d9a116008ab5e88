package restoreview

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

// lookingAt is a look at the backups of a copy that is under way.
type lookingAt struct {
	copy  string
	since time.Time
}

// loadSources reads which backups there are, here or at a copy. A copy is far
// away: it is asked only when a person wants it.
func (p *Page) loadSources(at string) tea.Cmd {
	ctx, desk, gen := p.env.Ctx, p.desk, p.lists.Next()
	p.problem = nil
	if at != "" {
		p.looking = lookingAt{at, p.env.Clock.Now()}
	}
	return func() tea.Msg {
		list, err := desk.Sources(ctx, at)
		return page.Msg{To: ID, Gen: gen, Body: sourcesMsg{at, list, err}}
	}
}

func (p *Page) seeSources(m sourcesMsg) tea.Cmd {
	p.sources, p.looking = m.list, lookingAt{}
	if m.err != nil {
		p.problem = m.err
		if m.at == "" && len(p.desk.Copies()) == 0 {
			return nil
		}
	}
	return p.openSources(m.at)
}

// openSources lets a person choose: a backup of the list, or to look at a copy.
func (p *Page) openSources(at string) tea.Cmd {
	e := p.env
	title := lang.M("Choose the backup")
	if at != "" {
		title = lang.M("Choose the backup at the copy %s", at)
	}
	var rows []pick
	for _, s := range p.sources {
		id := s.Name
		if at != "" {
			id = at + ":" + s.Name
		}
		rows = append(rows, pick{id: id, text: p.sourceRow(s)})
	}
	for _, name := range p.desk.Copies() {
		if name != at {
			rows = append(
				rows,
				pick{id: name + ":", text: e.T("look at the copy %s", termsafe.Line(name)) + " " + e.Theme.Glyph.More},
			)
		}
	}
	return page.Send(page.Open{Overlay: newPicker(e, title, rows, false, func(ids []string) tea.Cmd {
		if name, far := strings.CutSuffix(ids[0], ":"); far {
			return p.loadSources(name)
		}
		p.choice.Source, p.choice.Tables = ids[0], nil
		return p.draft()
	})})
}

// sourceRow is a backup in a line: its moment and age first, the state as a word.
func (p *Page) sourceRow(s restore.Source) string {
	e := p.env
	age := human.Duration(e.Clock.Now().Sub(s.At).Round(time.Second))
	return strings.Join([]string{e.Time(s.At), cells.PadLeft(age, 9), cells.PadLeft(human.Bytes(s.SizeBytes), 8),
		cells.Pad(e.Lang.Msg(backup.State(s.State).Label()), p.stateWidth()), termsafe.Line(s.Name)}, "  ")
}

// lookingLine says that a copy is being asked, with a clock.
func (p *Page) lookingLine(w int) []string {
	if p.looking.copy == "" {
		return nil
	}
	e, t := p.env, p.env.Theme
	text := t.Accent.Render(
		t.Glyph.Running+" ",
	) + e.T(
		"Looking at the copy %s …",
		termsafe.Line(p.looking.copy),
	) + "  " + human.Clock(
		e.Clock.Now().Sub(p.looking.since),
	)
	return []string{cells.Cut(text, w)}
}

// stateWidth is how wide the words for a backup's state are.
func (p *Page) stateWidth() (w int) {
	for _, s := range []backup.State{backup.Good, backup.Unverified, backup.Bad} {
		w = max(w, cells.Width(p.env.Lang.Msg(s.Label())))
	}
	return w
}
