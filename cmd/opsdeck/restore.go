package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	"opsdeck/ops/site/restores"
)

// restoreCmd is the group of the restore verbs.
type restoreCmd struct {
	Run      restoreRunCmd     `cmd:"" default:"withargs" help:"Plan a restore, confirm it, execute it."`
	Lost     restoreLostCmd    `cmd:"" help:"Show what a restore would lose, and export it for replay."`
	Status   restoreStatusCmd  `cmd:"" help:"Show the state of the newest restore, or of the given one."`
	Attach   restoreAttachCmd  `cmd:"" help:"Watch a running restore and answer its questions."`
	Resume   restoreGoOnCmd    `cmd:"" help:"Resume a restore whose worker has exited."`
	Abort    restoreAbortCmd   `cmd:"" help:"Abort a restore and revert its changes."`
	Undo     restoreUndoCmd    `cmd:"" help:"Undo a restore: return to the state before it."`
	DropOld  restoreDropCmd    `cmd:"" help:"Drop the old tables that a restore kept for undo."`
	Report   restoreReportCmd  `cmd:"" help:"Print the report of a restore."`
	Rewind   restoreRewindCmd  `cmd:"" help:"Undo one transaction of the binlog, row by row."`
	Standby  restoreStandbyCmd `cmd:"" help:"Keep a second copy of the database loaded, so that a restore takes seconds."`
	Rescue   restoreRescueCmd  `cmd:"" help:"Compare one table with its copy in a backup, and merge chosen rows."`
	SetAside restoreAsideCmd   `cmd:"" help:"Set aside an unreadable restore, so that it no longer blocks others; check it first."`
	Worker   restoreWorkerCmd  `cmd:"" hidden:"" help:"Execute a restore; started by the other commands."`
}

// restoreRunCmd is `opsdeck restore --from NAME`.
type restoreRunCmd struct {
	answers
	untilFlags
	From          string   `placeholder:"NAME" help:"The backup or a dump file (default: the newest good backup)."`
	Mode          string   `placeholder:"swap|in-place" enum:",swap,in-place" default:"" help:"swap swaps the tables at the end, in-place loads into the live database."`
	To            string   `placeholder:"SCHEMA" help:"Load into this database, which must not exist or be empty; the live one is not changed."`
	FromSchema    string   `placeholder:"NAME" help:"The database in the dump, if its name differs from the service's."`
	Tables        []string `placeholder:"A,B" sep:"," help:"Only these tables."`
	AcceptMissing []string `placeholder:"A,B" sep:"," help:"Accept that these tables and other objects are dropped or shrink, because the backup lacks them or most of their rows."`
	KeepRunning   bool     `help:"Keep the service running; what it writes meanwhile is lost."`
	ExportLost    string   `placeholder:"DIR" help:"Before the start, write the rows that will be lost to this folder; the report has the command that puts them back."`
	Plan          bool     `help:"Print the plan and do nothing."`
	DryRun        bool     `help:"The same as --plan."`
	PlanHash      string   `placeholder:"HASH" help:"Refuse if the plan does not have this hash."`
	Confirm       string   `placeholder:"NAME" help:"The target database's name, to confirm without a terminal."`
	JSON          bool     `name:"json" help:"NDJSON events, or the plan as JSON."`
	Detach        bool     `help:"Start it and do not wait."`
}

// Run plans, confirms and carries out.
func (c *restoreRunCmd) Run(ctx context.Context, a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	if c.To != "" && c.Mode != "" {
		return ops.E(ops.Usage, lang.M("--to and --mode cannot be used together"))
	}
	if err := a.writable(); err != nil && !c.Plan && !c.DryRun {
		return err
	}
	if !c.Plan && !c.DryRun {
		if err := a.stateWritable(); err != nil {
			return err
		}
	}
	moment, err := c.moment(a.clock.Now())
	if err != nil {
		return err
	}
	if c.Tables, err = a.typedTables(ctx, c.Tables); err != nil {
		return err
	}
	if c.AcceptMissing, err = a.typedNames(c.AcceptMissing); err != nil {
		return err
	}
	a.note(lang.M("checking the backup and the target …"))
	d.Tell = a.note
	p, err := d.Draft(ctx, restore.Choice{
		Source: c.From,
		Mode:   restore.Mode(c.Mode),
		Into:   c.To,
		Tables: c.Tables,
		Accept: c.AcceptMissing,
		Leave:  c.KeepRunning,
		// another name is refused later, before anything is done
		Unsaved: c.WithoutBackup != "" && c.WithoutBackup == d.Service.Database.Name,
		From:    c.FromSchema,
		Moment:  moment,
	})
	if err != nil {
		return err
	}
	if c.PlanHash != "" && c.PlanHash != p.Hash {
		return ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the plan differs from the one shown; nothing "+
			"was done")).
			WithHint(lang.M("show it again: opsdeck restore --plan"))
	}
	if c.Plan || c.DryRun {
		return c.show(a, p)
	}
	if p.Blocked() {
		tellBlocks(a.printer, p)
		return restores.Blocked(p)
	}
	if err := d.Vacant(ctx, p.Target); err != nil {
		return err
	}
	tellPlan(a.printer, p)
	if err := a.confirm(ctx, p.Target.Database, c.Confirm,
		lang.M("This replaces %s with the state of %s.", p.Target.Database,
			p.Source.At.Local().Format("2006-01-02 15:04:05"))); err != nil {
		return err
	}
	if c.ExportLost != "" {
		bar := a.progress()
		err := d.ExportLost(ctx, p, c.ExportLost, bar.report)
		bar.done()
		if err != nil {
			return err
		}
		if how := p.LoadExportedText(p.Exported); !how.Empty() {
			a.note(how)
		}
	}
	f, err := d.Begin(ctx, p, p.Target.Database, c.answers.unattended(a.printer, d, c.Detach))
	if err != nil {
		return err
	}
	if c.Detach {
		a.note(lang.M("restore %s is running; watch it: opsdeck restore attach", p.ID))
		return a.json(map[string]string{"id": p.ID})
	}
	return newWatcher(a, d, f, c.answers, c.JSON).follow(ctx, "restored")
}

// show prints the plan. To have shown it is success, also of one that is blocked: that is said
// once more at the end.
func (c *restoreRunCmd) show(a *app, p *restore.Plan) error {
	if c.JSON {
		return a.json(p)
	}
	if err := a.plain(report.Runbook(p, a.lang, a.again())); err != nil || !p.Blocked() {
		return err
	}
	a.note(lang.M("this plan is blocked: a restore by it would stop before it begins"))
	return nil
}

// tellBlocks says what else blocks a plan besides the first obstacle, which is the error.
func tellBlocks(out *printer, p *restore.Plan) {
	first := true
	for _, f := range p.Findings {
		if !f.Blocks {
			continue
		}
		if !first {
			out.note(lang.M("also blocks the restore: %s", f.What.Msg))
		}
		first = false
	}
}

// tellPlan says what a person must know before the name is typed.
func tellPlan(out *printer, p *restore.Plan) {
	out.note(lang.M("restore %s: %s from %s into %s at %s, mode %s", p.ID, p.Target.Database, p.Source.Name, p.Loaded(),
		p.Target.Address, p.Mode.Label()))
	for _, f := range p.Known() {
		out.note(lang.M("  %s: %s", f.State.Label(), f.What.Msg))
	}
	if p.Assessment != nil && p.Mode != restore.Into {
		for _, t := range p.Assessment.Loss.Tables {
			out.note(lang.M("  will be lost: %s", lang.Raw(t.Line(out.lang))))
		}
		if sum := p.Assessment.Loss.Sum(); !sum.Empty() && len(p.Assessment.Loss.Tables) > 1 {
			out.note(lang.M("  total: %s", sum))
		}
		for _, doubt := range p.Assessment.Loss.Doubts() {
			out.note(lang.M("  %s", doubt))
		}
		if l := p.Assessment.Loss; len(l.Tables)+len(l.Unknown)+len(l.Unseen) > 0 || l.Estimated() {
			out.note(lang.M("  keep them for replay: --export-lost DIR"))
		}
	}
}
