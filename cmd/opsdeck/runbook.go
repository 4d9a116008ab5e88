package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/service"
	"opsdeck/ops/site/checks"
)

type runbookCmd struct {
	Name string `arg:"" optional:"" help:"The runbook (default: list them). restore --plain prints a shell script that does not need opsdeck."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// step is a line of a runbook: what to do, and the commands that do it.
type step struct {
	do       lang.Msg
	commands []string
}

// runbook is what to do, step by step, when a thing happens. The steps are made
// for the configured service, so that they can be typed as they stand.
type runbook struct {
	name  string
	when  lang.Msg
	steps func(place) []step
}

// place is what a runbook is filled with.
type place struct {
	service  config.Service
	program  string // opsdeck as it is called again
	database string
	dir      string
	process  health.Commands
	client   string // the mysql client's command
	user     string // opsdeck's account on the server
	newest   string // path of the newest good backup; "" is none, or not known
}

func (p place) opsdeck(args string) string { return p.program + " " + args }

var runbooks = []runbook{
	{"deploy", lang.M("a new machine, in 30 minutes"), deploySteps},
	{"update", lang.M("a new release of the service"), updateSteps},
	{"troubleshooting", lang.M("something does not work: common causes and what to do"), troubleSteps},
	{"backup", lang.M("backups: make, verify, keep"), backupPage},
	{"logging", lang.M("logs: find what happened"), loggingPage},
	{"audit", lang.M("the audit: who did what"), auditPage},
	{"restore", lang.M("the database is lost or damaged"), restoreSteps},
	{"mysql-down", lang.M("MySQL does not respond"), mysqlSteps},
	{"service-down", lang.M("the service does not respond, or is not ready"), serviceSteps},
	{"disk-full", lang.M("a disk is nearly full"), diskSteps},
	{"backup-failed", lang.M("a backup is missing, old or bad"), backupSteps},
	{"undo", lang.M("rows were deleted or changed by mistake"), undoSteps},
	{"drill", lang.M("each quarter: drill a restore"), drillSteps},
	{"on-call", lang.M("you are called: the first half hour"), onCallPage},
	{"handing-over", lang.M("another person takes over this server"), handingOverPage},
}

func restoreSteps(p place) []step {
	return []step{
		{
			lang.M("Assess: how bad is it, is a full restore needed, who must be told?"),
			[]string{
				p.opsdeck("status"),
				p.opsdeck("logs --critical --since 1h"),
				p.opsdeck("audit list --limit 20"),
			},
		},
		{
			lang.M("Find the newest good backup, and see what it would lose."),
			[]string{p.opsdeck("backup list"), p.opsdeck("restore --plan")},
		},
		{
			lang.M("If the binlog is archived, restore to the moment before the damage instead: less is lost."),
			[]string{p.opsdeck("backup binlog list"), p.opsdeck("restore --plan --until YYYY-MM-DDTHH:MM:SS")},
		},
		{
			lang.M(
				"Restore. It stops the service, backs up the current state, loads, verifies, starts and reports; " +
					"it continues when the connection drops.",
			),
			[]string{p.opsdeck("restore"), p.opsdeck("restore attach")},
		},
		{lang.M("Verify that the service is ready."), []string{p.opsdeck("status"), p.opsdeck("restore report")}},
		{lang.M("If it was the wrong backup: undo."), []string{p.opsdeck("restore undo")}},
		{lang.M("If opsdeck itself cannot be used, by hand:"), p.byHand()},
		{
			lang.M(
				"The same as a script, which also verifies the backup and saves the current state; make it before you need it.",
			),
			[]string{p.script(), "bash " + human.Shell("restore-"+p.service.Name+".sh")},
		},
		{lang.M("Tell everyone involved: restored, to which moment, what is lost. Keep the report."), nil},
	}
}

// undoSteps heal an accident with the least loss: one transaction, one table, all.
func undoSteps(p place) []step {
	return []step{
		{
			lang.M("Find the transaction. In the console: Audit tab, b for the binlog, z for the largest first."),
			[]string{
				p.opsdeck("audit changes --largest --since 1h"),
				p.opsdeck("audit changes --table TABLE --kind delete --since 1h"),
			},
		},
		{
			lang.M(
				"Undo only that transaction, if the log has its rows. Nothing else is lost, the service keeps running.",
			),
			[]string{p.opsdeck("restore rewind --txn ID --plan"), p.opsdeck("restore rewind --txn ID")},
		},
		{
			lang.M("Rows that were changed again since are conflicts: leave them, or overwrite them."),
			[]string{p.opsdeck("restore rewind --txn ID --conflicts skip")},
		},
		{
			lang.M("After DROP or TRUNCATE of a table: restore that table to just before the transaction."),
			[]string{
				p.opsdeck("restore --before ID --tables TABLE --plan"),
				p.opsdeck("restore --before ID --tables TABLE"),
			},
		},
		{
			lang.M("If more is damaged: restore the whole database to just before it."),
			[]string{p.opsdeck("restore --before ID --plan"), p.opsdeck("restore --before ID")},
		},
		{lang.M("If it was the wrong transaction: undo that."), []string{p.opsdeck("restore undo")}},
		{
			lang.M(
				"Archive the binlog from now on: backup.binlog: follow in the configuration, then install it.",
			),
			[]string{p.opsdeck("backup schedule install"), p.opsdeck("backup binlog list")},
		},
	}
}

// byHand is the old way (FIELD.md), as it works without opsdeck.
func (p place) byHand() []string {
	file := p.newest
	if !strings.HasSuffix(file, ".sql.gz") {
		file = filepath.Join(p.dir, p.database+"_YYYYMMDD_HHMMSS.sql.gz")
	}
	out := []string{}
	if p.process.Stop != "" {
		out = append(out, p.process.Stop)
	}
	out = append(out, "gzip -t "+human.Shell(file), "zcat "+human.Shell(file)+" | "+p.client)
	if p.process.Start != "" {
		out = append(out, p.process.Start)
	}
	return out
}

func serviceSteps(p place) []step {
	start := []string{}
	for _, c := range []string{p.process.Status, p.process.Start} {
		if c != "" {
			start = append(start, c)
		}
	}
	return []step{
		{lang.M("See which part fails: process, port, database or Redis."), []string{p.opsdeck("status")}},
		{
			lang.M("Read the last errors."),
			[]string{p.opsdeck("logs --level ERROR+ --since 30m"), p.opsdeck("logs --critical --since 1d")},
		},
		{lang.M("Check the process, and start it if it is stopped."), start},
		{lang.M("If its port is taken, find by whom."), []string{"ss -ltnp"}},
		{lang.M("Watch it become ready."), []string{p.opsdeck("status --only health,ready --watch 2s")}},
	}
}

func diskSteps(p place) []step {
	dir := human.Shell(p.dir)
	return []step{
		{
			lang.M("See which disk, and what is large on it."),
			[]string{"df -h", "du -xh --max-depth=2 / 2>/dev/null | sort -h | tail -n 20"},
		},
		{
			lang.M("Old logs: let rotation handle them; by hand delete only rotated files."),
			[]string{"ls -lhS " + strings.Join(p.service.Logs.Paths(), " ")},
		},
		{
			lang.M("Old backups: only by retention, which never removes the last good one."),
			[]string{p.opsdeck("backup prune --dry-run"), p.opsdeck("backup prune"), "ls -lh " + dir},
		},
		{
			lang.M("Never delete files in MySQL's data folder. Purge old binlogs with:"),
			[]string{p.client + ` -e "SHOW BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() - INTERVAL 7 DAY"`},
		},
		{lang.M("Check that at least a fifth is free again."), []string{p.opsdeck("status --only disk")}},
	}
}

func backupSteps(p place) []step {
	return []step{
		{
			lang.M("See what is missing and why."),
			[]string{
				p.opsdeck("backup list"),
				p.opsdeck("status --only backup,disk-backup"),
				p.opsdeck("operations --limit 20"),
			},
		},
		{lang.M("Check privileges, folders and tools."), []string{p.opsdeck("doctor")}},
		{lang.M("Make one now, by hand."), []string{p.opsdeck("backup create")}},
		{lang.M("Verify all backups."), []string{p.opsdeck("backup verify --all")}},
		{lang.M("See that the schedule is in place."), []string{p.opsdeck("backup schedule show")}},
	}
}

func drillSteps(p place) []step {
	return []step{
		{lang.M("Verify the newest backup."), []string{p.opsdeck("backup verify")}},
		{
			lang.M("Load it into a scratch database, check it, time it, drop it. The live database is not changed."),
			[]string{p.opsdeck("backup drill")},
		},
		{lang.M("See the record."), []string{p.opsdeck("backup drills")}},
	}
}

// Run lists the runbooks, or prints one as Markdown.
func (c *runbookCmd) Run(ctx context.Context, a *app) error {
	if c.Name == "" {
		if c.JSON {
			return a.json(runbooksJSON{a.runbookList()})
		}
		t := cells.Table{}
		for _, r := range runbooks {
			t.Rows = append(t.Rows, []string{r.name, a.lang.Msg(r.when)})
		}
		_, err := fmt.Fprint(a.out, t)
		return err
	}
	for _, r := range runbooks {
		if r.name == c.Name {
			s, err := a.service()
			if err != nil {
				return err
			}
			return c.show(ctx, a, r, s)
		}
	}
	var names []string
	for _, r := range runbooks {
		names = append(names, r.name)
	}
	return ops.E(ops.Usage, lang.M("there is no runbook %q", c.Name)).
		WithHint(lang.M("there are: %s", strings.Join(names, ", ")))
}

// show prints one runbook, filled for a service.
func (c *runbookCmd) show(ctx context.Context, a *app, r runbook, s *config.Service) error {
	p := a.placeOf(*s)
	p.newest = a.newestGood(ctx, s)
	text := ""
	switch {
	case c.JSON:
		return a.json(a.pageJSON(r, p))
	case r.name != "restore" || !a.flags.Plain:
		text = a.markdown(r, p)
	case p.database == "" || p.dir == "":
		return ops.E(ops.Config, lang.M("no database is configured for %s", s.Name)).
			WithHint(lang.M("set database.name and backup.dir in the configuration"))
	default:
		text = a.plainRestore(p)
	}
	_, err := fmt.Fprint(a.out, text)
	return err
}

type (
	runbooksJSON struct {
		Runbooks []runbookJSON `json:"runbooks"`
	}
	runbookJSON struct {
		Name  string            `json:"name"`
		When  string            `json:"when"`
		Steps []runbookStepJSON `json:"steps,omitempty"`
	}
	runbookStepJSON struct {
		Do       string   `json:"do"`
		Commands []string `json:"commands"`
	}
)

// runbookList is the runbooks without their steps.
func (a *app) runbookList() (out []runbookJSON) {
	for _, r := range runbooks {
		out = append(out, runbookJSON{Name: r.name, When: a.lang.Msg(r.when)})
	}
	return out
}

func (a *app) pageJSON(r runbook, p place) runbookJSON {
	out := runbookJSON{Name: r.name, When: a.lang.Msg(r.when)}
	for _, s := range r.steps(p) {
		out.Steps = append(
			out.Steps,
			runbookStepJSON{Do: a.lang.Msg(s.do), Commands: append([]string{}, s.commands...)},
		)
	}
	return out
}

// newestGood is the path of the newest good backup of the whole database; "" where
// there is none, or that cannot be read.
func (a *app) newestGood(ctx context.Context, s *config.Service) string {
	sh, err := a.shelfOf(s)
	if err != nil {
		return ""
	}
	inv, err := sh.Look(ctx)
	if err != nil {
		return ""
	}
	var best *backup.Set
	for _, set := range inv.Sets {
		if set.State == backup.Good && set.ProvenOf(inv.Database) && (best == nil || set.At.After(best.At)) {
			best = set
		}
	}
	if best == nil {
		return ""
	}
	return filepath.Join(sh.Dir, best.Name)
}

func (a *app) placeOf(s config.Service) place {
	p := place{
		service:  s,
		database: s.Database.Name,
		dir:      config.Home(s.Backup.Dir),
		client:   checks.MysqlClient(s.Database),
	}
	if target, err := mysql.Resolve(s.Database); err == nil {
		p.user = target.User
	}
	p.program = a.programFor(s.Name)
	if c, err := service.New(s.Process); err == nil {
		p.process = c.Commands()
	}
	return p
}

// markdown is a runbook to read or to print.
func (a *app) markdown(r runbook, p place) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n", termsafe.Line(p.service.Name), a.lang.Msg(r.when))
	for i, s := range r.steps(p) {
		fmt.Fprintf(&b, "\n%d. %s\n", i+1, a.lang.Msg(s.do))
		if len(s.commands) == 0 {
			continue
		}
		b.WriteString("\n   ```sh\n")
		for _, line := range s.commands {
			fmt.Fprintf(&b, "   %s\n", termsafe.Line(line))
		}
		b.WriteString("   ```\n")
	}
	return b.String()
}
