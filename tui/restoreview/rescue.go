package restoreview

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// rescuing is a comparison of one table with the backup, or a merge, under way.
type rescuing struct {
	table string
	since time.Time // zero: none is
}

// rescuedMsg is what a comparison or a merge had to say. merge is empty for a
// comparison.
type rescuedMsg struct {
	plan         *restore.Plan
	table, merge string
	found        restore.RescueShown
	err          error
}

func (p *rescuer) cannotRescue() lang.Msg {
	switch {
	case p.base.plan == nil:
		return lang.M("there is no plan yet")
	case !p.rescue.since.IsZero():
		return lang.M("a table is being compared")
	case p.base.plan.Source.Copy != "":
		return lang.M("the backup is at a copy: fetch it first")
	}
	if tables, known := p.base.plan.Source.Held(); !known || len(tables) == 0 {
		return lang.M("the tables of the backup are unknown")
	}
	return lang.Msg{}
}

// openRescue lets a person choose the table to compare.
func (p *rescuer) openRescue() tea.Cmd {
	plan := p.base.plan
	tables, _ := plan.Source.Held()
	var rows []pick
	for _, t := range tables {
		if t.Engine != "SEQUENCE" {
			rows = append(rows,
				pick{id: t.Name, text: termsafe.Line(t.Name) + "  " + p.base.env.T("%s rows", human.Count(t.Rows))})
		}
	}
	return page.Send(
		page.Open{
			Overlay: newPicker(
				p.base.env,
				lang.M("Choose the table to compare with the backup"),
				rows,
				false,
				func(ids []string) tea.Cmd {
					return p.runRescue(plan, ids[0], "")
				},
			),
		},
	)
}

// runRescue compares, or merges when merge says which rows.
func (p *rescuer) runRescue(plan *restore.Plan, table, merge string) tea.Cmd {
	ctx, desk, l := p.base.env.Ctx, p.base.desk, p.base.env.Lang
	p.rescue = rescuing{table, p.base.env.Clock.Now()}
	p.base.problem = nil
	return func() tea.Msg {
		found, err := desk.Rescue(ctx, l, plan, table, merge)
		return page.Msg{To: ID, Body: rescuedMsg{plan, table, merge, found, err}}
	}
}

// seeRescue shows what was found, and offers to merge it.
func (p *rescuer) seeRescue(m rescuedMsg) tea.Cmd {
	p.rescue = rescuing{}
	if p.base.problem = m.err; m.err != nil {
		return nil
	}
	title := lang.M("%s compared with the backup", m.table)
	read := func() tea.Cmd {
		var lines []string
		for _, l := range strings.Split(strings.TrimSpace(termsafe.Text(m.found.Text)), "\n") {
			lines = append(lines, cells.Wrap(l, reportWidth)...)
		}
		return page.Send(page.Open{Overlay: widget.NewText(p.base.env, title, lines, m.found.Text)})
	}
	if m.merge != "" {
		return read()
	}
	choices := append([]widget.Choice{{Key: "v", Label: lang.M("read the rows"), Run: read, Stay: true}},
		p.merges(m)...)
	return page.Send(page.Open{Overlay: widget.NewAsk(p.base.env, title, []lang.Msg{m.found.Said}, true, choices...)})
}

// merges are the answers that write rows into the live table: those that have rows to write.
func (p *rescuer) merges(m rescuedMsg) (out []widget.Choice) {
	if p.base.env.ReadOnly {
		return nil
	}
	merge := func(key, what string, label lang.Msg) {
		out = append(out, widget.Choice{Key: key, Label: label, Run: func() tea.Cmd {
			db := m.plan.Target.Live
			body := []lang.Msg{
				m.found.Said,
				lang.M("Writes rows of %s into %s.", m.plan.Source.Name, db+"."+m.table),
			}
			return page.Send(page.Open{Overlay: widget.NewConfirm(p.base.env, label, body, db,
				func() tea.Cmd { return p.runRescue(m.plan, m.table, what) })})
		}})
	}
	missing, changed := m.found.Tally.Missing, m.found.Tally.Changed
	if missing > 0 {
		merge("m", restore.RescueMissing, lang.M("restore the missing rows"))
	}
	if changed > 0 {
		merge("c", restore.RescueChanged, lang.M("restore the changed rows"))
	}
	if missing > 0 && changed > 0 {
		merge("a", "all", lang.M("restore both"))
	}
	return out
}

// rescueLine says that a table is being compared, with a clock.
func (p *rescuer) rescueLine(w int) []string {
	if p.rescue.since.IsZero() {
		return nil
	}
	e, t := p.base.env, p.base.env.Theme
	text := t.Accent.Render(t.Glyph.Running+" ") + e.T("Comparing %s with the backup …",
		termsafe.Line(p.rescue.table)) + "  " + human.Clock(e.Clock.Now().Sub(p.rescue.since))
	return []string{cells.Cut(text, w)}
}
