package restore

import (
	"fmt"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// What says what a step of this plan will do, in a sentence.
func (p *Plan) What(s Step) lang.Msg {
	db, src := p.Target.Database, p.Source.Name
	switch s {
	case StepAssess:
		if p.Source.Copy != "" {
			return lang.M(
				"Fetch %s from the copy %s, verify its hash, and check again that server and tables match this "+
					"plan. Nothing is changed.",
				src,
				p.Source.Copy,
			)
		}
		return lang.M("Check again that backup, server and tables match this plan. Nothing is changed.")
	case StepStop:
		switch {
		case p.Mode == Into:
			return lang.M("Not needed: the service does not use %s.", db)
		case p.Process.Leave:
			return lang.M("The service stays up, as chosen. Sessions are named, not ended.")
		case p.Process.Kind == "none" || p.Process.Kind == "":
			return lang.M("Confirm that nothing writes to %s any more. Stop the service yourself first.", db)
		}
		return lang.M("Stop %s, then confirm that nothing writes to %s any more.", p.Process.Name, db)
	case StepSave:
		if p.Mode == Into {
			return lang.M("Not needed: %s is absent or empty.", db)
		}
		return lang.M("Back up %s in its current state, including damage. If that fails, the restore stops.", db)
	case StepRestore:
		switch p.Mode {
		case Swap:
			return lang.M("Load %s into the new database %s. %s is not changed.", src, p.Shadow, db)
		case InPlace:
			return lang.M("Drop the tables of %s and load %s in their place.", db, src)
		}
		return lang.M("Load %s into %s.", src, db)
	case StepVerify:
		if p.Mode == Swap {
			return lang.M(
				"Compare all tables with the manifest. Then swap them in with one RENAME; on any mismatch, stop " +
					"before the swap.",
			)
		}
		return lang.M("Compare all tables of %s with the manifest.", db)
	case StepRestart:
		switch {
		case p.Mode == Into:
			return lang.M("Not needed: the service was not stopped.")
		case p.Process.Untouched():
			return lang.M("Wait until the service says that it is ready.")
		}
		return lang.M("Start %s and wait until it says that it is ready.", p.Process.Name)
	}
	return lang.M("Write the report; show the text for those who wait, and send it if you say so.")
}

// Back says how to go back once the step is done.
func (p *Plan) Back(s Step) lang.Msg {
	switch {
	case s == StepAssess:
		return lang.M("Nothing to undo.")
	case p.Mode == Into && s < StepNotify:
		return lang.M("Abort drops what was loaded into %s.", p.Target.Database)
	case s == StepStop:
		return lang.M("Abort starts the service again.")
	case s == StepSave:
		return lang.M("Abort starts the service again; the emergency backup stays.")
	case s == StepRestore && p.Mode == Swap:
		return lang.M("Abort drops %s and starts the service again.", p.Shadow)
	case s == StepVerify && p.Mode == Swap:
		return lang.M("Before the RENAME: abort. After it: undo brings back the old tables, kept in %s.", p.Kept)
	case s == StepRestore || s == StepVerify:
		return lang.M("Abort loads the emergency backup into %s.", p.Target.Database)
	case s == StepRestart && p.Mode == Swap:
		return lang.M("Undo brings back the old tables, until `restore drop-old`.")
	case s == StepRestart:
		return lang.M("Undo loads the emergency backup.")
	}
	return lang.M("Nothing to undo.")
}

// Markdown is the plan as a runbook to keep on paper.
func (p *Plan) Markdown(l *lang.Printer) string {
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
	fmt.Fprintf(&b, "- %s: %s\n", l.T("restored to"), stamp(p.Source.At))
	fmt.Fprintf(&b, "- %s: %s\n", l.T("mode"), l.Msg(p.Mode.Label()))
	if len(p.Tables) > 0 {
		fmt.Fprintf(&b, "- %s: %s\n", l.T("tables"), strings.Join(p.Tables, ", "))
	}
	fmt.Fprintf(&b, "- %s: `%s`\n", l.T("hash of the plan"), p.Hash)
	p.findingsMarkdown(&b, l)
	p.rowsMarkdown(&b, l)
	if p.Assessment != nil && p.Mode != Into {
		lossSection(&b, l, l.T("What will be lost"), p.Assessment.Loss)
	}
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "\n## %d. %s\n\n%s\n", s.Step, l.Msg(s.Step.Label()), l.Msg(p.What(s.Step)))
		if len(s.Statements) > 0 {
			fmt.Fprintf(&b, "\n```\n%s\n```\n", strings.Join(s.Statements, "\n"))
		}
		fmt.Fprintf(&b, "\n%s: %s\n", l.T("How to undo"), l.Msg(p.Back(s.Step)))
	}
	return b.String()
}

func (p *Plan) rowsMarkdown(b *strings.Builder, l *lang.Printer) {
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
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", mdLine(r[0]), r[1], r[2], mdLine(r[3]))
	}
}

func (p *Plan) findingsMarkdown(b *strings.Builder, l *lang.Printer) {
	known := p.Known()
	if len(known) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", l.T("Know before you begin"))
	for _, f := range known {
		stop := ""
		if f.Blocks {
			stop = " **" + l.T("stops the restore") + "**"
		}
		fmt.Fprintf(b, "- %s: %s%s\n", l.Msg(f.State.Label()), mdLine(l.Msg(f.What.Msg)), stop)
		if !f.Hint.Empty() {
			fmt.Fprintf(b, "  - %s\n", mdLine(l.Msg(f.Hint.Msg)))
		}
	}
}
