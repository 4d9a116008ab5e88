package main

import (
	"context"
	"fmt"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/drill"
	"opsdeck/ops/site/backups"
)

type backupDrillCmd struct {
	Name   string `arg:"" optional:"" help:"The backup's name (default: the newest good one)."`
	Table  string `placeholder:"T" help:"Drill the restore of this table only." xor:"scenario"`
	Into   string `placeholder:"SCHEMA" help:"Drill into a new database of this name, dropped afterwards." xor:"scenario"`
	Server string `placeholder:"NAME" help:"Use the database server of this configured service."`
	DryRun bool   `help:"Show what would be done, do nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run rehearses a restore and records it. It ends with 1 when the drill failed. That
// of a whole database is a run of the job, whose check is told.
func (c *backupDrillCmd) Run(ctx context.Context, a *app) error {
	if c.Table != "" || c.DryRun || a.flags.ReadOnly {
		return c.run(ctx, a)
	}
	return asJob(ctx, a, backups.PingDrill, c.run)
}

func (c *backupDrillCmd) run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	inv, err := sh.Read(ctx)
	if err != nil {
		return err
	}
	s, err := sh.Driller().Drillable(inv, c.Name)
	if err != nil {
		return err
	}
	if c.Table, err = a.typedTable(ctx, c.Table); err != nil {
		return err
	}
	job := drill.Job{Table: c.Table, Schema: c.Into}
	if c.DryRun {
		return c.plan(sh, s, job)
	}
	p := a.progress()
	d, err := sh.Driller().Drill(ctx, s, job, c.Server, p.report)
	p.done()
	if err != nil {
		return err
	}
	if c.JSON {
		err = a.json(d)
	} else {
		a.say(lang.M("%s: %s, %s restored in %s (%s), the drill took %s", d.ResultLabel(), termsafe.Line(d.Backup),
			human.Bytes(d.SizeBytes), human.Milliseconds(d.RestoreMS), d.ScenarioLabel(), human.Milliseconds(d.TookMS)))
		if d.Remark != "" {
			a.say(lang.M("  %s", termsafe.Line(a.lang.Msg(d.Said()))))
		}
	}
	if err == nil && d.Result != backup.Passed {
		err = ops.E(ops.Failed, lang.M("the drill failed: %s cannot be relied on", d.Backup)).
			WithHint(lang.M("make a new backup, then drill it"))
	}
	return err
}

// drillPlanJSON is what a drill would do.
type drillPlanJSON struct {
	DryRun bool   `json:"dry_run"`
	Backup string `json:"backup"`
	Table  string `json:"table"`
	Schema string `json:"schema"` // "" is a scratch one
	Server string `json:"server"` // address
}

// plan says what would be done, and where.
func (c *backupDrillCmd) plan(sh *shelf, s *backup.Set, job drill.Job) error {
	target, _, err := sh.Driller().DrillServer(c.Server)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		return sh.json(drillPlanJSON{true, s.Name, job.Table, job.Schema, target.Addr})
	case job.Table != "":
		sh.say(lang.M("would load the table %s of %s into a scratch database at %s, check it and drop the database",
			job.Table, s.Name, target.Addr))
	case job.Schema != "":
		sh.say(lang.M("would load %s into the new database %s at %s, check it and drop it", s.Name, job.Schema,
			target.Addr))
	default:
		sh.say(lang.M("would load %s into a scratch database at %s, check it and drop the database", s.Name,
			target.Addr))
	}
	return nil
}

type backupDrillsCmd struct {
	Markdown bool `help:"Print a Markdown table."`
	Limit    int  `default:"50" placeholder:"N" help:"Show the newest N; 0 for all."`
	JSON     bool `name:"json" help:"Print JSON."`
}

// Run shows the record of drills.
func (c *backupDrillsCmd) Run(a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	drills, err := backup.Drills(sh.StateDir, sh.Service.Database.Name)
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the record of drills cannot be read"))
	}
	if c.Limit > 0 && len(drills) > c.Limit {
		drills = drills[:c.Limit]
	}
	zone := a.clock.Now().Location()
	switch {
	case c.JSON:
		return a.json(struct {
			Drills []backup.Drill `json:"drills"`
		}{drills})
	case c.Markdown:
		fmt.Fprint(a.out, termsafe.Text(backup.DrillsMarkdown(drills, a.lang, zone)))
	case len(drills) == 0:
		a.note(lang.M("no drills yet; start one: opsdeck backup drill"))
	default:
		drillTable(sh, drills, zone)
	}
	return nil
}

func drillTable(sh *shelf, drills []backup.Drill, zone *time.Location) {
	p := sh.lang
	t := cells.Table{
		Max:   sh.width(),
		Right: []int{4, 5},
		Head: []string{
			p.T("date"),
			p.T("result"),
			p.T("scenario"),
			p.T("backup"),
			p.T("size"),
			p.T("restore"),
			p.T("operator"),
			p.T("note"),
		},
	}
	for _, d := range drills {
		state := ops.StateOK
		if d.Result != backup.Passed {
			state = ops.StateCritical
		}
		t.Rows = append(
			t.Rows,
			[]string{
				d.At.In(zone).Format("2006-01-02 15:04"),
				sh.mark(state, p.Msg(d.ResultLabel())),
				termsafe.Line(p.Msg(d.ScenarioLabel())),
				termsafe.Line(d.Backup),
				human.Bytes(d.SizeBytes),
				human.Milliseconds(d.RestoreMS),
				termsafe.Line(d.Operator),
				termsafe.Line(p.Msg(d.Said())),
			},
		)
	}
	fmt.Fprint(sh.out, t)
}
