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
	text         string
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
	ctx, desk := p.base.env.Ctx, p.base.desk
	p.rescue = rescuing{table, p.base.env.Clock.Now()}
	p.base.problem = nil
	return func() tea.Msg {
		text, err := desk.Rescue(ctx, plan, table, merge)
		return page.Msg{To: ID, Body: rescuedMsg{plan, table, merge, text, err}}
	}
}

// seeRescue shows what was found, and offers to merge it.
func (p *rescuer) seeRescue(m rescuedMsg) tea.Cmd {
	p.rescue = rescuing{}
	if p.base.problem = m.err; m.err != nil {
		return nil
	}
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(termsafe.Text(m.text)), "\n") {
		lines = append(lines, cells.Wrap(l, reportWidth)...)
	}
	title := lang.M("%s compared with the backup", m.table)
	read := func() tea.Cmd {
		return page.Send(page.Open{Overlay: widget.NewText(p.base.env, title, lines, m.text)})
	}
	if m.merge != "" {
		return read()
	}
	merge := func(what string, label lang.Msg) func() tea.Cmd {
		return func() tea.Cmd {
			db := m.plan.Target.Live
			body := []lang.Msg{
				lang.Raw(lines[0]),
				lang.M("Writes rows of %s into %s.", m.plan.Source.Name, db+"."+m.table),
			}
			return page.Send(
				page.Open{
					Overlay: widget.NewConfirm(p.base.env, label, body, db,
						func() tea.Cmd { return p.runRescue(m.plan, m.table, what) }),
				},
			)
		}
	}
	missing := lang.M("restore the missing rows")
	changed := lang.M("restore the changed rows")
	all := lang.M("restore both")
	return page.Send(page.Open{Overlay: widget.NewAsk(p.base.env, title, []lang.Msg{lang.Raw(lines[0])}, true,
		widget.Choice{Key: "v", Label: lang.M("read the rows"), Run: read},
		widget.Choice{Key: "m", Label: missing, Run: merge(restore.RescueMissing, missing)},
		widget.Choice{Key: "c", Label: changed, Run: merge(restore.RescueChanged, changed)},
		widget.Choice{Key: "a", Label: all, Run: merge("all", all)},
	)})
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
