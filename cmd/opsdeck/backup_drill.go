package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"filippo.io/age"

	"opsdeck/internal/cells"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/drill"
)

type backupDrillCmd struct {
	Name   string `arg:"" optional:"" help:"The backup's name; without one the newest good."`
	Table  string `placeholder:"T" help:"Rehearse the restore of this table alone." xor:"scenario"`
	Into   string `placeholder:"SCHEMA" help:"Rehearse the restore into a new database of this name, dropped afterwards." xor:"scenario"`
	Server string `placeholder:"NAME" help:"Use the database server of this configured service."`
	DryRun bool   `help:"Say what would be done, do nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run rehearses a restore and records it. It ends with 1 when the drill failed.
func (c *backupDrillCmd) Run(a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	inv, err := sh.read()
	if err != nil {
		return err
	}
	s, err := sh.drillable(inv, c.Name)
	if err != nil {
		return err
	}
	job := drill.Job{Table: c.Table, Schema: c.Into}
	if c.DryRun {
		return c.plan(sh, s, job)
	}
	p := a.progress()
	d, err := sh.drill(a.ctx, s, job, c.Server, p.report)
	p.done()
	if err != nil {
		return err
	}
	if c.JSON {
		err = a.json(d)
	} else {
		a.say(lang.M("%s: %s, %s restored in %s (%s), the drill took %s", d.ResultLabel(), termsafe.Line(d.Backup), human.Bytes(d.SizeBytes), ms(d.RestoreMS), d.ScenarioLabel(), ms(d.TookMS)))
		if d.Remark != "" {
			a.say(lang.M("  %s", termsafe.Line(d.Remark)))
		}
	}
	if err == nil && d.Result != backup.Passed {
		err = ops.E(ops.Failed, lang.M("the drill failed: %s cannot be relied on", d.Backup)).
			WithHint(lang.M("make a new backup, and rehearse that one"))
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
	target, _, err := sh.drillServer(c.Server)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		return sh.json(drillPlanJSON{true, s.Name, job.Table, job.Schema, target.Addr})
	case job.Table != "":
		sh.say(
			lang.M(
				"would load the table %s of %s into a scratch schema at %s, check it and drop the schema",
				job.Table,
				s.Name,
				target.Addr,
			),
		)
	case job.Schema != "":
		sh.say(
			lang.M(
				"would load %s into the new database %s at %s, check it and drop it",
				s.Name,
				job.Schema,
				target.Addr,
			),
		)
	default:
		sh.say(lang.M("would load %s into a scratch schema at %s, check it and drop the schema", s.Name, target.Addr))
	}
	return nil
}

func ms(n int64) string { return human.Duration(time.Duration(n) * time.Millisecond) }

// drillable is the backup that was named, or the newest good one.
func (sh *shelf) drillable(inv *backup.Inventory, name string) (*backup.Set, error) {
	if name != "" {
		s, err := sh.find(inv, name)
		if err == nil && s.Parsed.Physical {
			err = ops.E(ops.Usage, lang.M("%s is a physical backup folder: opsdeck cannot load it", s.Name))
		}
		return s, err
	}
	if s := backup.Newest(inv, inv.Database); s != nil {
		return s, nil
	}
	return nil, ops.E(ops.Failed, lang.M("there is no good backup of %s to rehearse with", inv.Database)).
		WithHint(lang.M("make one with: opsdeck backup create, or name one"))
}

// drillServer is where drills are done: the named service's server, else the
// configured drill server, else the service's own.
func (sh *shelf) drillServer(name string) (mysql.Target, string, error) {
	c := sh.service.Database
	label := ""
	switch {
	case name != "":
		loaded, err := sh.config()
		if err != nil {
			return mysql.Target{}, "", err
		}
		s, ok := loaded.Service(name)
		if !ok {
			return mysql.Target{}, "", ops.E(ops.Usage, lang.M("no service %q is configured", name))
		}
		c, label = s.Database, name
	case sh.service.Backup.DrillServer != (config.Database{}):
		c = sh.service.Backup.DrillServer
		label = "drill_server"
	}
	t, err := mysql.Resolve(c)
	return t, label, err
}

// drill does a drill under the lock that one drill at a time holds, and puts it
// on record.
func (sh *shelf) drill(
	ctx context.Context,
	s *backup.Set,
	job drill.Job,
	server string,
	report func(ops.Progress),
) (backup.Drill, error) {
	var none backup.Drill
	if err := sh.trusted(); err != nil {
		return none, err
	}
	held, err := lock.Take(backup.DrillLockPath(sh.state), lock.Holder{User: oplog.UserName(), What: "backup drill"})
	if err != nil {
		return none, err
	}
	defer held.Release()
	target, label, err := sh.drillServer(server)
	if err != nil {
		return none, err
	}
	if job.Identities, err = sh.identities(); err != nil {
		return none, err
	}
	log, err := sh.oplog()
	if err != nil {
		return none, err
	}
	entry := oplog.Entry{Service: sh.service.Name, Action: "backup.drill", Object: s.Name, Result: oplog.Started}
	if err := log.Record(entry); err != nil {
		return none, err
	}
	job.Target, job.Path, job.Live, job.Now, job.Report = target, s.Path, sh.service.Database.Name, sh.clock.Now, report
	if s.Foreign {
		job.From = s.Database
	}
	d, err := drill.Run(ctx, job)
	entry.Detail = map[string]string{}
	switch {
	case err != nil && ctx.Err() != nil:
		entry.Result = oplog.Stopped
	case err != nil:
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	default:
		d.Operator, d.Service, d.Backup = operator(sh.getenv), sh.service.Name, s.Name
		if label != "" {
			d.Target += " @ " + label
		}
		entry.Result, entry.Detail["result"], entry.Detail["remark"] = oplog.Done, d.Result, d.Remark
		err = backup.AppendDrill(sh.state, d)
	}
	if e := log.Record(entry); err == nil {
		err = e
	}
	return d, err
}

// operator is the person behind the process.
func operator(getenv func(string) string) string {
	if sudo := getenv("SUDO_USER"); sudo != "" {
		return sudo
	}
	return oplog.UserName()
}

// identities open encrypted backups.
func (sh *shelf) identities() ([]age.Identity, error) {
	if sh.service.Backup.Identity == "" {
		return nil, nil
	}
	return readIdentities(sh.service.Backup.Identity)
}

func readIdentities(path string) ([]age.Identity, error) {
	path = config.Home(path)
	text, err := config.ReadSecret(path)
	if err != nil {
		return nil, err
	}
	ids, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("the age identity in %s cannot be read", path))
	}
	return ids, nil
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
	drills, err := backup.Drills(sh.state, sh.service.Database.Name)
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the record of drills cannot be read"))
	}
	if c.Limit > 0 && len(drills) > c.Limit {
		drills = drills[:c.Limit]
	}
	zone := a.clock.Now().Location()
	switch {
	case c.JSON:
		if drills == nil {
			drills = []backup.Drill{}
		}
		return a.json(struct {
			Drills []backup.Drill `json:"drills"`
		}{drills})
	case c.Markdown:
		fmt.Fprint(a.out, termsafe.Text(backup.DrillsMarkdown(drills, a.lang, zone)))
	case len(drills) == 0:
		a.note(lang.M("no drill was done yet; begin with: opsdeck backup drill"))
	default:
		sh.drillTable(drills, zone)
	}
	return nil
}

func (sh *shelf) drillTable(drills []backup.Drill, zone *time.Location) {
	th, p := sh.theme(), sh.lang
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
			p.T("remark"),
		},
	}
	for _, d := range drills {
		style, glyph := th.State(ops.StateOK)
		if d.Result != backup.Passed {
			style, glyph = th.State(ops.StateCritical)
		}
		t.Rows = append(
			t.Rows,
			[]string{
				d.At.In(zone).Format("2006-01-02 15:04"),
				style.Render(glyph + " " + p.Msg(d.ResultLabel())),
				termsafe.Line(p.Msg(d.ScenarioLabel())),
				termsafe.Line(
					d.Backup,
				),
				human.Bytes(d.SizeBytes),
				ms(d.RestoreMS),
				termsafe.Line(d.Operator),
				termsafe.Line(d.Remark),
			},
		)
	}
	fmt.Fprint(sh.out, t)
}

// deepen loads a backup that was verified, and adds to the check what came of it.
func (sh *shelf) deepen(
	ctx context.Context,
	s *backup.Set,
	check backup.Check,
	report func(ops.Progress),
) (backup.Check, error) {
	if !check.OK() {
		return check, nil
	}
	if _, err := os.Stat(s.Path); err != nil {
		return check, nil
	}
	d, err := sh.drill(ctx, s, drill.Job{}, "", report)
	if err != nil {
		return check, err
	}
	check.Deep, check.Sealed = true, false
	if d.Result != backup.Passed {
		check.Problems = append(check.Problems, backup.Problem{Code: backup.NoLoad, Args: []string{d.Remark}})
	}
	return check, nil
}
