package report

import (
	"fmt"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/typed"
	"opsdeck/ops/restore"
)

// Runbook is a plan as Markdown, for paper; program is how this program is called again.
func Runbook(p *restore.Plan, l *lang.Printer, program string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", l.T("Restore plan %s", p.ID))
	fmt.Fprintf(&b, "- %s: %s\n", l.T("service"), p.Service)
	fmt.Fprintf(
		&b,
		"- %s: %s, %s (%s %s)\n",
		l.T("target"),
		p.Target.Database,
		p.Target.Address,
		p.Target.Flavour,
		p.Target.Version,
	)
	fmt.Fprintf(&b, "- %s: %s (%s)\n", l.T("backup"), p.Source.Name, human.Bytes(p.Source.SizeBytes))
	fmt.Fprintf(&b, "- %s: %s\n", l.T("restored to"), human.Moment(p.Source.At))
	fmt.Fprintf(&b, "- %s: %s\n", l.T("mode"), l.Msg(p.Mode.Label()))
	if len(p.Tables) > 0 {
		fmt.Fprintf(&b, "- %s: %s\n", l.T("tables"), strings.Join(p.Tables, ", "))
	}
	fmt.Fprintf(&b, "- %s: `%s`\n", l.T("hash of the plan"), p.Hash)
	findingsMarkdown(p, &b, l)
	rowsMarkdown(p, &b, l)
	if p.Assessment != nil && p.Mode != restore.Into {
		lossSection(&b, l, ahead(), p.Assessment.Loss)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "\n## %d. %s\n\n%s\n", s.Step, l.Msg(s.Step.Label()), l.Msg(p.What(s.Step)))
		if len(s.Statements) > 0 {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", typed.Text(program, strings.Join(s.Statements, "\n")))
		}
		fmt.Fprintf(&b, "\n%s: %s\n", l.T("How to undo"), l.Msg(p.Back(s.Step)))
	}
	return b.String()
}

func rowsMarkdown(p *restore.Plan, b *strings.Builder, l *lang.Printer) {
	rows := p.Rows(l)
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(
		b,
		"\n## %s\n\n| %s | %s | %s | |\n| --- | ---: | ---: | --- |\n",
		l.T("The tables now"),
		l.T("table"),
		l.T("rows now"),
		l.T("in the backup"),
	)
	for _, r := range rows {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", mdCell(r[0]), r[1], r[2], mdCell(r[3]))
	}
}

func findingsMarkdown(p *restore.Plan, b *strings.Builder, l *lang.Printer) {
	known := p.Known()
	if len(known) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", l.T("Before you start"))
	for _, f := range known {
		stop := ""
		if f.Blocks {
			stop = " **" + l.T("blocks the restore") + "**"
		}
		fmt.Fprintf(b, "- %s: %s%s\n", l.Msg(f.State.Label()), mdLine(l.Msg(f.What.Msg)), stop)
		if !f.Hint.Empty() {
			fmt.Fprintf(b, "  - %s\n", mdLine(l.Msg(f.Hint.Msg)))
		}
	}
}
