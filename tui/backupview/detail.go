package backupview

import (
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/backup"
	"opsdeck/tui/page"
	"opsdeck/tui/widget"
)

// scrolled is the part of lines that fits, below a head.
func (p *dossier) scrolled(head, lines []string, size page.Size) []string {
	room := max(1, size.Height-len(head))
	p.detail.Resize(max(1, len(lines)-room+1), 1)
	top := min(p.detail.Cursor, max(0, len(lines)-room))
	to := min(len(lines), top+room)
	if to-top < len(lines) && len(head) > 0 {
		part := p.stock.env.Theme.Dim.Render(p.stock.env.T("%d–%d of %d", top+1, to, len(lines)))
		last := head[len(head)-1]
		if w := cells.Width(part); w < size.Width/2 {
			if last == widget.Rule(p.stock.env.Theme, "", size.Width) { // shorter, and no text that is cut
				last = widget.Rule(p.stock.env.Theme, "", size.Width-w-2)
			}
			head[len(head)-1] = cells.Pad(last, size.Width-w-1) + part + " "
		}
	}
	return append(head, lines[top:to]...)
}

// detailView draws the opened backup.
func (p *dossier) detailView(s *backup.Set, size page.Size) []string {
	t, e := p.stock.env.Theme, p.stock.env
	style, glyph := t.State(s.State.Health())
	title := " " + style.Render(glyph+" "+e.Lang.Msg(s.State.Label())) + "  " + t.Title.Render(termsafe.Line(s.Name))
	head := []string{cells.Cut(title, size.Width), ""}
	return p.scrolled(head, p.detailLines(s, size.Width), size)
}

func (p *dossier) detailLines(s *backup.Set, width int) []string {
	e := p.stock.env
	out := widget.Sections{Theme: e.Theme}
	inner := out.Inner(width)
	out.Add(e.T("Problems"), p.problemLines(s, inner))
	out.Add(e.T("A restore from here"), p.restoreLines(s, inner))
	out.Add(e.T("Kept"), p.keepLines(s, inner))
	out.Add(e.T("Facts"), p.factLines(s, inner))
	out.Add(e.T("Copies"), p.copyLines(s, inner))
	out.Add(e.T("Drills"), p.drillLines(s, inner))
	out.Add(e.T("Tables"), p.tableLines(inner))
	return out.Lines
}

func wrap(text string, width int) []string { return cells.Wrap(termsafe.Line(text), width) }

func (p *dossier) problemLines(s *backup.Set, width int) (lines []string) {
	t := p.stock.env.Theme
	for _, x := range s.Problems {
		style, mark := t.Warn, t.Glyph.Warn
		if x.Fatal() {
			style, mark = t.Crit, t.Glyph.Crit
		}
		for i, l := range wrap(p.stock.env.Lang.Msg(x.Text()), width-2) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, style.Render(mark+" "+l))
		}
	}
	return lines
}

// restoreLines say what a restore would bring back, what it would lose, and how
// long it would take.
func (p *dossier) restoreLines(s *backup.Set, width int) (lines []string) {
	e := p.stock.env
	say := func(m lang.Msg) { lines = append(lines, wrap(e.Lang.Msg(m), width)...) }
	if s.Parsed.Physical {
		return nil
	}
	if s.State == backup.Bad {
		say(lang.M("cannot be restored; choose another backup"))
		return lines
	}
	if part := p.stock.part(s); part != "" {
		lines = append(lines, e.Theme.Warn.Render(e.Theme.Glyph.Warn+" "+cells.Cut(part, width-2)))
	}
	say(lang.M("restores %s to its state at %s", nameOr(s.Database), e.Time(s.At)))
	say(lang.M("loses what was written after it: %s", minutes(e.Clock.Now().Sub(s.At))))
	if m := p.manifest; m != nil && m.Position.File != "" {
		say(lang.M("binlog starts at %s, position %d", m.Position.File, m.Position.Pos))
	}
	if d, from, ok := backup.RestoreTime(p.stock.shelf.Drills, s.Size); ok {
		say(lang.M("takes about %s, by the drill of %s", human.Duration(d), from.At.In(e.Zone).Format("2006-01-02")))
	} else {
		say(lang.M("duration unknown: no drill has passed yet"))
	}
	return append(lines, p.comparedLines(s, width)...)
}

func nameOr(db string) string {
	if db == "" {
		return "?"
	}
	return db
}

func (p *dossier) keepLines(s *backup.Set, width int) (lines []string) {
	e := p.stock.env
	step, ok := p.stock.steps[s]
	if !ok {
		return nil
	}
	for _, reason := range step.Why() {
		text := e.Lang.Msg(reason)
		if step.Verb == backup.Remove {
			text = e.T("removed at next prune: %s", text)
		}
		lines = append(lines, wrap(text, width)...)
	}
	if kept := p.stock.shelf.Inventory.Zone; kept != nil {
		day := page.ZoneName(s.At.In(kept))
		if day != page.ZoneName(s.At.In(e.Zone)) {
			lines = append(lines, wrap(e.T("retention counts the days of %s", day), width)...)
		}
	}
	return lines
}

// factLines are names and values in two columns.
func (p *dossier) factLines(s *backup.Set, width int) []string {
	e, m := p.stock.env, p.manifest
	table := cells.Table{Max: width}
	fact := func(name, value string) {
		if value = strings.TrimSpace(termsafe.Line(value)); value != "" {
			table.Rows = append(table.Rows, []string{e.Theme.Dim.Render(name), value})
		}
	}
	fact(e.T("data as of"), e.T("%s, %s", e.Time(s.At), e.T("%s ago", p.stock.ago(s.At, p.stock.ageWidth()))))
	fact(e.T("size"), s.SizeText())
	fact(e.T("last check"), p.stock.checked(s))
	if m != nil {
		if m.RawBytes > 0 && s.Size > 0 {
			fact(e.T("unpacked"), fmt.Sprintf("%s, 1:%.1f", human.Bytes(m.RawBytes),
				float64(m.RawBytes)/float64(s.Size)))
		}
		fact(e.T("rows"), human.Count(m.Rows()))
		fact(e.T("made by"), fmt.Sprintf("%s, %s, %s %s", m.Tool, m.Engine, m.Server.Flavour, m.Server.Version))
		fact(e.T("took"), e.Lang.Span(human.Duration(m.FinishedAt.Sub(m.StartedAt))))
		fact(e.T("consistent"), m.Consistency)
		for _, w := range m.Lacks() {
			fact(e.T("note"), e.Lang.Msg(w))
		}
		for _, w := range m.Warnings {
			fact(e.T("note"), w)
		}
	}
	fact(e.T("names"), strings.Join(p.stock.shelf.Inventory.NamesOf(s), ", "))
	fact(e.T("path"), s.Path)
	if m != nil {
		fact("SHA-256", m.SHA256)
	}
	return table.Lines()
}

func (p *stock) checked(s *backup.Set) string {
	if s.Checked.IsZero() {
		return p.env.T("never")
	}
	text := p.env.T("%s, %s", p.env.Time(s.Checked), p.env.T("%s ago", p.ago(s.Checked, p.ageWidth())))
	switch {
	case s.Deep:
		text = p.env.T("%s, %s", text, p.env.T("loaded whole"))
	case s.State == backup.Unverified && s.Foreign:
		text = p.env.T("%s, %s", text, p.env.T("the file is whole, its rows were not loaded"))
	}
	if s.Sealed {
		text = p.env.T("%s, %s", text, p.env.T("encrypted, only the file's hash was verified"))
	}
	return text
}

func (p *dossier) copyLines(s *backup.Set, width int) (lines []string) {
	t, e := p.stock.env.Theme, p.stock.env
	for _, c := range s.Copies {
		style, glyph := t.State(c.State.Health())
		lines = append(lines, cells.Cut(style.Render(glyph+" "+e.Lang.Msg(c.State.Label()))+"  "+termsafe.Line(c.Copy),
			width))
	}
	return lines
}

func (p *dossier) drillLines(s *backup.Set, width int) []string {
	e := p.stock.env
	table := cells.Table{Max: width}
	for _, d := range p.stock.shelf.Drills {
		if d.Backup != s.Name {
			continue
		}
		table.Rows = append(
			table.Rows,
			[]string{
				d.At.In(e.Zone).Format("2006-01-02 15:04"),
				e.Lang.Msg(d.ResultLabel()),
				e.Lang.Msg(d.ScenarioLabel()),
				e.Lang.Span(human.Duration(time.Duration(d.TookMS) * time.Millisecond)),
				termsafe.Line(d.Operator),
				termsafe.Line(e.Lang.Msg(d.Said())),
			},
		)
	}
	return table.Lines()
}

func (p *dossier) tableLines(width int) []string {
	if p.manifest == nil {
		return nil
	}
	table := cells.Table{Max: width, Right: []int{1, 2}}
	for _, x := range p.manifest.Tables {
		table.Rows = append(
			table.Rows,
			[]string{
				termsafe.Line(x.Name),
				human.Count(x.Rows),
				human.Bytes(x.DataBytes),
				p.stock.env.Theme.Dim.Render(termsafe.Line(x.Engine)),
			},
		)
	}
	return table.Lines()
}

// planLines draw the retention plan: what goes, what is renamed, what stays.
func (p *dossier) planLines(size page.Size) []string {
	t, e := p.stock.env.Theme, p.stock.env
	if p.stock.shelf == nil {
		return p.stock.head(size.Width)
	}
	plan := p.stock.shelf.Plan
	head := []string{cells.Cut(" "+t.Title.Render(e.T("%d kept, %d renamed, %d removed, %s freed",
		len(plan.Steps)-len(plan.Removes())-len(plan.Renames()), len(plan.Renames()), len(plan.Removes()),
		human.Bytes(plan.Frees))), size.Width)}
	for _, why := range plan.Blocked {
		head = append(head, cells.Cut(" "+t.Warn.Render(t.Glyph.Warn+" "+e.T("nothing was removed: %s", why)),
			size.Width))
	}
	if log := p.stock.shelf.Log; log.Files > 0 {
		surplus := e.T("%d binlog files (%s … %s, %s) end before the oldest backup that is kept: they are removed too",
			log.Files, termsafe.Line(log.First), termsafe.Line(log.Last), human.Bytes(log.Bytes))
		head = append(head, cells.Cut(" "+surplus, size.Width))
	}
	head = append(head, widget.Rule(t, "", size.Width))
	var lines []string
	for _, verb := range []backup.Verb{backup.Remove, backup.Rename, backup.KeepIt} {
		for _, s := range plan.Steps {
			if s.Verb == verb {
				lines = append(lines, p.stock.planLine(s, size.Width))
			}
		}
	}
	return p.scrolled(head, lines, size)
}

func (p *stock) planLine(s backup.Step, width int) string {
	t, e := p.env.Theme, p.env
	mark, style := " ", t.Dim
	switch s.Verb {
	case backup.Remove:
		mark, style = "-", t.Removed
	case backup.Rename:
		mark, style = "~", t.Info
	}
	var why []string
	for _, reason := range s.Why() {
		why = append(why, e.Lang.Msg(reason))
	}
	word := style.Render(mark + " " + cells.Pad(e.Lang.Msg(s.Verb.Label()), 6))
	name := termsafe.Line(s.Set.Name)
	if width < 100 {
		name = s.Set.At.In(e.Zone).Format("2006-01-02 15:04") + " " + cells.Pad(e.Lang.Msg(s.Set.Tier.Label()), 9)
	} else {
		name = cells.Pad(name, 48)
	}
	return cells.Cut(" "+word+"  "+name+"  "+t.Dim.Render(termsafe.Line(strings.Join(why, e.T("; ")))), width)
}
