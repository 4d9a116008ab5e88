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
func (p *picking) loadSources(at string) tea.Cmd {
	ctx := p.base.env.Ctx
	desk := p.base.desk
	gen := p.base.lists.Next()
	p.base.problem = nil
	if at != "" {
		p.base.looking = lookingAt{at, p.base.env.Clock.Now()}
	}
	return func() tea.Msg {
		list, err := desk.Sources(ctx, at)
		return page.Msg{To: ID, Gen: gen, Body: sourcesMsg{at, list, err}}
	}
}

func (p *picking) seeSources(m sourcesMsg) tea.Cmd {
	p.sources, p.base.looking = m.list, lookingAt{}
	if m.err != nil {
		p.base.problem = m.err
		if m.at == "" && len(p.base.desk.Copies()) == 0 {
			return nil
		}
	}
	return p.openSources(m.at)
}

// openSources lets a person choose: a backup of the list, or to look at a copy.
func (p *picking) openSources(at string) tea.Cmd {
	e := p.base.env
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
	for _, name := range p.base.desk.Copies() {
		if name != at {
			rows = append(rows,
				pick{id: name + ":", text: e.T("check the copy %s", termsafe.Line(name)) + " " + e.Theme.Glyph.More})
		}
	}
	return page.Send(page.Open{Overlay: newPicker(e, title, rows, false, func(ids []string) tea.Cmd {
		if name, far := strings.CutSuffix(ids[0], ":"); far {
			return p.loadSources(name)
		}
		p.base.choice.Source, p.base.choice.Tables = ids[0], nil
		return p.base.draft()
	})})
}

// sourceRow is a backup in a line: its moment and age first, the state as a word.
func (p *picking) sourceRow(s restore.Source) string {
	e := p.base.env
	age := e.Clock.Now().Sub(s.At).Round(time.Second)
	if age >= 10*24*time.Hour { // its hours say nothing
		age = age.Truncate(24 * time.Hour)
	}
	return strings.Join([]string{
		e.Time(s.At),
		cells.PadLeft(e.Lang.Span(human.Duration(age)), p.ageWidth()),
		cells.PadLeft(human.Bytes(s.SizeBytes), 8),
		cells.Pad(p.stateOf(s), p.stateWidth()),
		termsafe.Line(s.Name),
	}, "  ")
}

// ageWidth is the room of the longest age.
func (p *picking) ageWidth() int { return cells.Width(p.base.env.Lang.Span("23 h 59 m")) }

// stateOf is the word for a backup's state. One that lost most of its rows against those
// before it is not simply good.
func (p *picking) stateOf(s restore.Source) string {
	word := p.base.env.Lang.Msg(backup.State(s.State).Label())
	switch {
	case backup.State(s.State) == backup.Bad:
	case s.Other:
		word = p.base.env.Theme.Glyph.Warn + " " + p.base.env.T("other server")
	case len(s.PassedOver) > 0:
		word = p.base.env.Theme.Glyph.Warn + " " + p.base.env.T("shrunk")
	}
	return word
}

// lookingLine says that a copy is being asked, with a clock.
func (p *sheet) lookingLine(w int) []string {
	if p.base.looking.copy == "" {
		return nil
	}
	e, t := p.base.env, p.base.env.Theme
	text := t.Accent.Render(t.Glyph.Running+" ") + e.T("Checking the copy %s …",
		termsafe.Line(p.base.looking.copy)) + "  " + human.Clock(e.Clock.Now().Sub(p.base.looking.since))
	return []string{cells.Cut(text, w)}
}

// stateWidth is how wide the words for a backup's state are.
func (p *picking) stateWidth() (w int) {
	for _, s := range []backup.State{backup.Good, backup.Unverified, backup.Bad} {
		w = max(w, cells.Width(p.base.env.Lang.Msg(s.Label())))
	}
	for _, s := range p.sources {
		w = max(w, cells.Width(p.stateOf(s)))
	}
	return w
}
