package restoreview

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// lossWords says in a sentence or two what a plan will lose.
func lossWords(plan *restore.Plan, clock func(time.Time) string) (out []lang.Msg) {
	loss := plan.Assessment.Loss
	if sum := loss.Sum(); !sum.Empty() {
		out = append(out, lang.M("Will be lost: %s.", sum))
	}
	switch exported := len(out) > 0 && len(plan.Exported) > 0; {
	case exported && plan.ExportBehind():
		out = append(out, lang.M("%s of them are exported, as of %s, to %s. The others, and what is written until the "+
			"service is stopped, are only in the emergency backup.", human.Count(plan.ExportedRows),
			clock(plan.ExportedAt), filepath.Dir(plan.Exported[0])))
	case exported:
		out = append(out, lang.M("They are exported to %s.", filepath.Dir(plan.Exported[0])),
			lang.M("What is written until the service is stopped is only in the emergency backup."))
	}
	return append(out, loss.Doubts()...)
}

// lossFacts are the lines of step 1 about the loss.
func (p *sheet) lossFacts(plan *restore.Plan, put func(ops.State, string)) {
	e, loss := p.base.env, plan.Assessment.Loss
	sum := loss.Sum()
	if left := len(loss.Unknown) + len(loss.Unseen); left > 0 {
		put(
			ops.StateUnknown,
			e.T(
				"%s tables could not be compared completely with the backup (o): newer or changed rows in them "+
					"may be lost",
				fmt.Sprint(left),
			),
		)
	}
	for _, words := range loss.ObjectWords() {
		put(ops.StateWarning, e.Lang.Msg(words))
	}
	switch {
	case sum.Empty():
		return
	case plan.ExportBehind():
		put(ops.StateWarning, e.T("will be lost (o): %s in %d tables; %s of them exported at %s", sum, len(loss.Tables),
			human.Count(plan.ExportedRows), e.Time(plan.ExportedAt))+" "+e.Theme.Glyph.Right+" "+e.T("e exports them"))
	case len(plan.Exported) > 0:
		put(ops.StateOK, e.T("will be lost (o): %s in %d tables; kept in %s", sum, len(loss.Tables),
			filepath.Dir(plan.Exported[0])))
	default:
		put(
			ops.StateWarning,
			e.T("will be lost (o): %s in %d tables", sum, len(loss.Tables))+" "+e.Theme.Glyph.Right+" "+e.T(
				"e exports them",
			),
		)
	}
}

func (p *asking) cannotExport() lang.Msg {
	switch {
	case !p.base.since.IsZero():
		return lang.M("still checking the target")
	case p.base.plan == nil:
		return lang.M("there is no plan yet")
	case !p.base.saving.IsZero():
		return lang.M("what will be lost is being exported")
	case len(p.base.plan.Exported) > 0 && !p.base.plan.ExportBehind():
		return lang.M("already exported: %s", filepath.Dir(p.base.plan.Exported[0]))
	case p.base.plan.Assessment == nil:
		return lang.M("there is no plan yet")
	case p.base.plan.Assessment.Loss.Nothing():
		return lang.M("nothing will be lost: every table was compared with the backup")
	}
	return lang.Msg{}
}

// export writes the rows that will be lost to files.
func (p *asking) export() tea.Cmd {
	ctx := p.base.env.Ctx
	desk := p.base.desk
	plan := p.base.plan
	gen := p.base.gen.Next()
	p.base.saving = p.base.env.Clock.Now()
	p.base.problem = nil
	return func() tea.Msg {
		out, err := desk.Export(ctx, plan)
		return page.Msg{To: ID, Gen: gen, Body: exportedMsg{out, err}}
	}
}

func (p *asking) seeExport(m exportedMsg) tea.Cmd {
	p.base.saving = time.Time{}
	if m.err != nil {
		p.base.problem = m.err
		return nil
	}
	if p.base.plan == nil || p.base.plan.ID != m.plan.ID {
		return nil
	}
	p.base.plan = m.plan
	return page.Send(page.Notice{State: ops.StateOK, Text: lang.M("exported to %s", filepath.Dir(m.plan.Exported[0]))})
}

// keepExport keeps in a new plan what was exported for the former, where both lose the
// same: the mode does not matter, the backup, the moment and the tables do.
func keepExport(former, plan *restore.Plan) {
	if former == nil || plan == nil || former.Mode == restore.Into || plan.Mode == restore.Into {
		return
	}
	if former.Source.Name == plan.Source.Name && former.Source.At.Equal(plan.Source.At) &&
		slices.Equal(former.Tables, plan.Tables) {
		plan.Exported = slices.Clone(former.Exported)
		plan.ExportedRows, plan.ExportedAt = former.ExportedRows, former.ExportedAt
	}
}

// savingLine says that the export is under way, with a clock.
func (p *sheet) savingLine(w int) []string {
	return p.base.clockLine(lang.M("Exporting what will be lost …"), p.base.saving, w)
}

// pendingLine says what a key asked for and has no answer yet, with a clock.
func (p *sheet) pendingLine(w int) []string {
	return p.base.clockLine(p.base.pending.what, p.base.pending.since, w)
}

func (p *base) clockLine(what lang.Msg, since time.Time, w int) []string {
	if since.IsZero() {
		return nil
	}
	e, t := p.env, p.env.Theme
	return []string{
		cells.Cut(t.Accent.Render(t.Glyph.Running+" ")+e.Lang.Msg(what)+"  "+human.Clock(e.Clock.Now().Sub(since)), w),
	}
}

// openLoss shows the loss table by table, and who is concerned.
func (p *asking) openLoss() tea.Cmd {
	if p.base.shownPlan().Assessment == nil {
		return page.Send(page.Notice{State: ops.StateUnknown, Text: lang.M("the tables were not checked")})
	}
	title, loss, exported := p.base.shownLoss()
	if p.base.watching() && p.base.run.State.Reverted() && p.base.run.State.Data.Lost == nil {
		return page.Send(page.Notice{State: ops.StateOK,
			Text: lang.M("the database is as it was before the restore")})
	}
	if loss.Nothing() {
		nothing := lang.M("nothing will be lost: every table was compared with the backup")
		if p.base.watching() && p.base.run.State.Stage.Final() {
			nothing = lang.M("Nothing was lost.")
			if p.base.run.State.Stage == restore.Done {
				nothing = restore.NothingLost(p.base.shownPlan().LossOf(p.base.run.State))
			}
		}
		return page.Send(page.Notice{State: ops.StateOK, Text: nothing})
	}
	e := p.base.env
	lines := []string{e.T("Since %s:", e.Time(loss.Since)), ""}
	w := 0
	for _, t := range loss.Tables {
		w = max(w, cells.Width(termsafe.Line(t.Table)))
	}
	for _, t := range loss.Tables {
		lines = append(
			lines,
			"  "+cells.Pad(termsafe.Line(t.Table), w)+"  "+cells.PadLeft(human.Count(t.Newer),
				9)+"  "+strings.Join(t.About(e.Lang), ", "),
		)
	}
	for _, part := range []struct {
		what string
		list []string
	}{{e.T("could not be compared with the backup, newer rows may be lost"), loss.Unknown}, {e.T("missing now, " +
		"so writes after the backup are unknown"), loss.Missing}, {e.T("not " +
		"all changed rows can be detected in"), loss.Unseen}, {e.T("users " +
		"active since"), loss.Users}, {e.T("resources " +
		"they changed"), loss.Resources}, {e.T("exported"), exported}} {
		if len(part.list) > 0 {
			lines = append(lines, "", e.T("%s:", part.what))
		}
		for _, x := range part.list {
			lines = append(lines, "  "+termsafe.Line(x))
		}
	}
	for i, words := range loss.ObjectWords() {
		if i == 0 {
			lines = append(lines, "")
		}
		lines = append(lines, e.Lang.Msg(words))
	}
	return page.Send(
		page.Open{Overlay: widget.NewText(e, title, lines, strings.Join(lines, "\n"))},
	)
}

// shownLoss is what the shown plan will lose, or what its run lost: after an undo, what that
// removed.
func (p *base) shownLoss() (title lang.Msg, loss restore.Loss, exported []string) {
	plan := p.shownPlan()
	title, loss, exported = lang.M("What will be lost"), plan.Assessment.Loss, plan.Exported
	if !p.watching() {
		return title, loss, exported
	}
	switch s := p.run.State; {
	case s.Reverted() && s.Data.Lost != nil:
		return lang.M("What the undo removed"), *s.Data.Lost, s.Data.Exports
	case s.Stage == restore.Done:
		title = lang.M("What was lost")
		loss, _ = plan.LossOf(s)
	}
	return title, loss, exported
}

// openRows shows the tables as they were when the plan was made, and in the backup.
func (p *asking) openRows() tea.Cmd {
	e := p.base.env
	rows := p.base.shownPlan().Rows(p.base.env.Lang)
	if len(rows) == 0 {
		return page.Send(page.Notice{State: ops.StateUnknown, Text: lang.M("the tables were not checked")})
	}
	title := lang.M("The tables now")
	counted := e.T("rows now")
	if p.base.watching() { // what the plan saw is over
		title, counted = lang.M("The tables before the restore"), e.T("rows before")
	}
	rows = append([][4]string{{e.T("table"), counted, e.T("in the backup"), "CHECK TABLE"}}, rows...)
	lost := p.lostOf(rows)
	w := [3]int{}
	for _, r := range rows {
		for i := range w {
			w[i] = max(w[i], cells.Width(termsafe.Line(r[i])))
		}
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = strings.TrimRight(
			cells.Pad(termsafe.Line(r[0]), w[0])+"  "+cells.PadLeft(r[1],
				w[1])+"  "+cells.PadLeft(r[2], w[2])+"  "+lost[i]+"  "+termsafe.Line(r[3]),
			" ",
		)
	}
	return page.Send(page.Open{Overlay: widget.NewText(e, title, lines, strings.Join(lines, "\n"))})
}

// lostOf is the column of what will be lost, as wide in each row: what is newer than
// the backup is not the difference of the two counts, where rows were deleted since.
func (p *asking) lostOf(rows [][4]string) []string {
	plan := p.base.shownPlan()
	known := map[string]string{}
	loss := plan.Assessment.Loss
	if p.base.watching() {
		loss, _ = plan.LossOf(p.base.run.State)
	}
	for _, name := range slices.Concat(loss.Unknown, loss.Missing, loss.Unseen) {
		known[name] = "?"
	}
	for _, t := range loss.Tables {
		known[t.Table] = human.Count(t.Newer)
		if t.Estimate {
			known[t.Table] = "~" + known[t.Table]
		}
	}
	out := []string{p.base.env.T("lost")}
	w := cells.Width(out[0])
	for _, r := range rows[1:] {
		n, ok := known[r[0]]
		if !ok {
			n = "0"
			if r[2] == "–" { // it is not in the backup, and was compared with nothing
				n = "–"
			}
		}
		out = append(out, n)
		w = max(w, cells.Width(n))
	}
	for i := range out {
		out[i] = cells.PadLeft(out[i], w)
	}
	return out
}

// countLater counts what an undo would lose, before it asks for the name.
func (p *asking) countLater(r *run.Run) tea.Cmd {
	ctx, desk := p.base.env.Ctx, p.base.desk
	p.base.pending = pending{lang.M("Counting the rows written since the restore …"), p.base.env.Clock.Now()}
	return func() tea.Msg {
		loss, err := desk.Later(ctx, r)
		return page.Msg{To: ID, Body: laterMsg{r, loss, err}}
	}
}

// confirmUndo says what an undo loses, table by table, and asks for the name.
func (p *asking) confirmUndo(m laterMsg) tea.Cmd {
	p.base.pending = pending{}
	if p.base.run == nil || p.base.run.Plan.ID != m.run.Plan.ID || !p.base.shown {
		return nil
	}
	body := p.consequences(restore.KindUndo)
	switch {
	case m.err != nil:
		body = append(body, lang.M("the rows written since the restore cannot be counted now: %s", m.err))
	default:
		body = append(body, m.loss.Doubts()...)
	}
	for i, t := range m.loss.Tables {
		if i == mostLines {
			body = append(body, lang.M("… and %s more tables", fmt.Sprint(len(m.loss.Tables)-i)))
			break
		}
		about := strings.Join(t.About(p.base.env.Lang), ", ")
		body = append(
			body,
			lang.Raw(
				strings.TrimRight(
					"  "+termsafe.Line(t.Table)+"  "+p.base.env.T("%s rows", human.Count(t.Newer))+"  "+about,
					" ",
				),
			),
		)
	}
	return page.Send(
		page.Open{
			Overlay: widget.NewConfirm(
				p.base.env,
				restore.KindUndo.Label(),
				body,
				m.run.Plan.Target.Database,
				func() tea.Cmd {
					return p.handOver(m.run, restore.KindUndo, m.run.Plan.Target.Database)
				},
			),
		},
	)
}

// mostLines is how many tables a dialog names.
const mostLines = 6
