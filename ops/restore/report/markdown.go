package report

import (
	"fmt"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// Markdown is the report for people.
func (a Account) Markdown(l *lang.Printer) string {
	var b strings.Builder
	head := func(m lang.Msg) { fmt.Fprintf(&b, "\n## %s\n\n", l.Msg(m)) }
	fmt.Fprintf(&b, "# %s\n\n%s", l.T("Restore %s: %s", a.ID, resultLabel(a.Result)), a.Message(l))
	head(lang.M("Facts"))
	for _, f := range a.facts() {
		fmt.Fprintf(&b, "- %s: %s\n", l.Msg(f.name), f.value)
	}
	head(lang.M("Timeline"))
	for _, m := range a.Timeline {
		took := ""
		if !m.End.IsZero() && m.End.After(m.Begin) {
			took = " (" + human.Duration(m.End.Sub(m.Begin)) + ")"
		}
		by := ""
		if m.By != "" {
			by = " – " + m.By
		}
		fmt.Fprintf(&b, "- %s %s%s%s\n", human.Moment(m.Begin), l.Msg(m.Stage.Label()), took, by)
		for _, n := range m.Notes {
			if !n.LoadsExported() { // commands stand in code blocks
				fmt.Fprintf(&b, "  - %s\n", mdLine(l.Msg(n.Msg)))
			}
		}
	}
	if len(a.Tables) > 0 {
		head(lang.M("Tables"))
		a.tablesMarkdown(&b, l)
	}
	a.lossMarkdown(&b, l)
	return b.String()
}

// tablesMarkdown lists the verified tables. After a replay the expected row counts are not
// the backup's.
func (a Account) tablesMarkdown(b *strings.Builder, l *lang.Printer) {
	if a.Replay == nil {
		fmt.Fprintf(b, "| %s | %s | %s | |\n| --- | ---: | ---: | --- |\n",
			l.T("table"), l.T("rows"), l.T("in the backup"))
	} else {
		fmt.Fprintf(b, "| %s | %s | %s | %s | |\n| --- | ---: | ---: | ---: | --- |\n",
			l.T("table"), l.T("rows"), l.T("in the backup"), l.T("after the replay"))
	}
	for _, t := range a.Tables {
		want := countOr(t.Want)
		if a.Replay != nil {
			own, known := a.Replay.BackupRows[t.Table]
			if !known {
				own = -1
			}
			want = countOr(own) + " | " + want
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", mdCell(t.Table), human.Count(t.Rows), want, t.State)
	}
}

func countOr(n int64) string {
	if n < 0 {
		return "–"
	}
	return human.Count(n)
}

type fact struct {
	name  lang.Msg
	value string
}

func (a Account) facts() []fact {
	moment := lang.M("restored to")
	if a.Result == "undone" || a.Result == "aborted" {
		moment = lang.M("state of the backup")
	}
	all := []fact{
		{
			lang.M("service"),
			a.Service,
		}, {lang.M("database"), a.Database}, {lang.M("server"), a.Server}, {lang.M("mode"), string(a.Mode)},
		{lang.M("operator"), a.Operator}, {lang.M("backup"), a.Backup},
		{moment, human.Moment(a.RestoredTo)},
		{
			lang.M("emergency backup"),
			a.Emergency,
		}, {lang.M("also backed up"), strings.Join(a.Also, ", ")},
		{lang.M("old tables kept in"), a.Kept}, {lang.M("exports"), strings.Join(a.Exports, ", ")},
		{lang.M("loaded, not swapped"), a.Loaded},
		{lang.M("left out"), strings.Join(a.Without, ", ")},
	}
	if a.SwapMS > 0 {
		all = append(all, fact{lang.M("swap time"), fmt.Sprintf("%.1f ms", a.SwapMS)})
	}
	out := all[:0]
	for _, f := range all {
		if f.value != "" {
			out = append(out, f)
		}
	}
	return out
}

// mdLine keeps external text on one line.
func mdLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ", "\x1b", "").Replace(s) }

// mdCell keeps external text in one cell of a table.
func mdCell(s string) string { return strings.ReplaceAll(mdLine(s), "|", `\|`) }
