package backupview

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
)

// comparison is how a backup stands against what is in the database now.
type comparison struct {
	name string // of the backup, as called says
	with *restore.Assessment
}

// canCompare says why the opened backup cannot be compared with what is there now.
func (p *Page) canCompare() lang.Msg {
	if why := p.table.onAnySet(); !why.Empty() {
		return why
	}
	return p.work.off(p.stock.svc.Compare != nil)()
}

// compare looks at what is there now: on demand, for every table is checked and
// counted.
func (p *Page) compare() tea.Cmd {
	name := called(p.table.current())
	look := p.stock.svc.Compare
	found := &comparison{name: name}
	title := lang.M("compare with the live data")
	cmd := p.work.start(title, func(ctx context.Context, r Report) (lang.Msg, error) {
		r(ops.Progress{Phase: "survey", Object: p.stock.svc.Database})
		with, err := look(ctx, name)
		if err != nil {
			return lang.Msg{}, err
		}
		found.with = with
		return lang.M("compared with the live data: about %s rows are newer",
			human.Count(with.Loss.Rows()+with.Loss.Changed())), nil
	})
	p.work.job.keep = func() { p.dossier.compared = found }
	return cmd
}

// comparedLines say table by table what a restore from here would bring back and
// lose; one line that invites to look, when nobody did.
func (p *dossier) comparedLines(s *backup.Set, width int) []string {
	c := p.compared
	if c == nil || c.name != called(s) {
		if p.stock.svc.Compare == nil {
			return nil
		}
		how := p.stock.env.T("press o to compare it with the live data, table by table")
		if p.open == "" { // beside the list, where o sorts
			how = p.stock.env.T("compare it with the live data: enter, then o")
		}
		return []string{p.stock.env.Theme.Dim.Render(cells.Cut(how, width))}
	}
	e, t := p.stock.env, p.stock.env.Theme
	table := cells.Table{Max: width}
	for _, x := range c.with.Tables {
		if x.InBackup && !x.Exists {
			table.Rows = append(table.Rows,
				[]string{t.OK.Render(t.Glyph.OK), termsafe.Line(x.Name), e.T("returns: %s rows", rows(x.BackupRows))})
		}
	}
	for _, x := range c.with.Loss.Tables {
		about := append([]string{e.T("loses %s newer rows", human.Count(x.Newer))}, x.About(e.Lang)...)
		table.Rows = append(table.Rows,
			[]string{t.Warn.Render(t.Glyph.Warn), termsafe.Line(x.Table), strings.Join(about, ", ")})
	}
	for _, name := range c.with.Loss.Unknown {
		table.Rows = append(table.Rows,
			[]string{t.Unknown.Render(t.Glyph.Unknown), termsafe.Line(name), e.T("could not be determined")})
	}
	for _, name := range c.with.Loss.Unseen {
		table.Rows = append(
			table.Rows,
			[]string{t.Unknown.Render(t.Glyph.Unknown), termsafe.Line(name), e.T("not all changed rows can be " +
				"detected")},
		)
	}
	lines := []string{e.T("compared with the data at %s:", e.Time(c.with.At))}
	for _, words := range c.with.Loss.ObjectWords() {
		lines = append(lines, cells.Wrap("  "+e.Lang.Msg(words), width)...)
	}
	if len(table.Rows) == 0 && len(lines) > 1 {
		return lines
	}
	if len(table.Rows) == 0 {
		return append(lines, e.T("nothing will be lost: every table was compared with the backup"))
	}
	for _, line := range table.Lines() {
		lines = append(lines, cells.Cut("  "+line, width))
	}
	if who := c.with.Loss.Users; len(who) > 0 {
		lines = append(
			lines,
			cells.Wrap(e.T("users active since")+": "+termsafe.Line(strings.Join(who, ", ")), width)...)
	}
	return lines
}

// rows is a number of rows, or a mark where the manifest does not tell it.
func rows(n int64) string {
	if n < 0 {
		return "?"
	}
	return human.Count(n)
}

// compareAction is the key of the opened backup.
func (p *Page) compareAction() page.Action {
	return page.Action{
		ID:     "backups.compare",
		Keys:   []string{"o"},
		Label:  lang.M("compare"),
		Help:   lang.M("compare with the live data: what a restore from here would bring back and lose"),
		Footer: true,
		Off:    p.canCompare,
		Run:    p.compare,
	}
}
