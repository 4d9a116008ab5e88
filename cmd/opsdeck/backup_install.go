package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

type scheduleInstallCmd struct {
	With    string `enum:",systemd,cron" default:"" placeholder:"systemd|cron" help:"Instead of what runs here."`
	Replace bool   `help:"Comment out this user's crontab lines that provably back up this database into this folder; each is shown and confirmed."`
	Confirm string `placeholder:"NAME" help:"The database's name, where no terminal can ask: confirms the lines of --replace."`
	DryRun  bool   `help:"Show what would be installed, install nothing."`
}

type scheduleRemoveCmd struct {
	DryRun bool `help:"Say what would be removed, remove nothing."`
}

// installer knows where schedules are installed on this machine.
type installer struct {
	plan  watch.Plan
	unit  string // folder of systemd's units
	user  bool   // systemd's user manager
	which string // systemd, cron or "" for neither
	run   func(stdin string, name string, args ...string) (string, error)
}

// installer finds the schedules; ctx ends what it runs.
func (sh *shelf) installer(ctx context.Context) installer {
	b := sh.Service.Backup
	command := []string{executable()}
	if f := sh.flags.ConfigFile; f != "" {
		if abs, err := filepath.Abs(f); err == nil {
			f = abs
		}
		command = append(command, "--config", f)
	}
	command = append(command, "--service", sh.Service.Name, "backup")
	verb := func(words ...string) []string { return append(slices.Clone(command), words...) }
	in := installer{
		plan: watch.Plan{Service: sh.Service.Name, Command: verb("schedule", "run")},
		unit: "/etc/systemd/system",
		run: func(stdin, name string, args ...string) (string, error) {
			return systemTool(ctx, 30*time.Second, stdin, name, args...)
		},
	}
	for _, j := range []watch.Planned{{Name: "daily", Cron: b.Daily, About: "backup"}, {Name: "verify",
		Cron: b.Verify, About: "verification"}, {Name: "drill", Cron: b.Drill, About: "restore drill"}} {
		if j.Cron != "" && j.Cron != "never" {
			in.plan.Jobs = append(in.plan.Jobs, j)
		}
	}
	if b.Binlog == "follow" {
		in.plan.Follow, in.plan.Fetch = verb("binlog", "follow"), verb("binlog", "fetch")
	}
	if os.Getuid() != 0 {
		in.user = true
		in.unit = config.Home("~/.config/systemd/user")
	}
	in.which = "cron"
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		in.which = "systemd"
	} else if _, err := exec.LookPath("crontab"); err != nil {
		in.which = ""
	}
	return in
}

func executable() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return "opsdeck"
}

// systemTool runs one of the system's programs, for no longer than wait.
func systemTool(
	ctx context.Context,
	wait time.Duration,
	stdin string,
	name string,
	args ...string,
) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = fmt.Errorf("%s: %s", name, strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

// crontab is the user's, "" when there is none.
func (in installer) crontab() string {
	text, err := in.run("", "crontab", "-l")
	if err != nil {
		return ""
	}
	return text
}

func (in installer) installed() string {
	if len(in.plan.Jobs) > 0 {
		if _, err := os.Stat(filepath.Join(in.unit, in.plan.UnitName(in.plan.Jobs[0].Name)+".timer")); err == nil {
			return "systemd"
		}
	}
	if in.plan.Installed(in.crontab()) {
		return "cron"
	}
	return "none"
}

// oldJobs are the old script's lines in the crontabs that can be read.
func (in installer) oldJobs() []watch.OldJob {
	jobs := watch.OldJobs("", in.crontab())
	files, _ := filepath.Glob(config.System("/etc/cron.d/*", os.Getenv))
	for _, f := range append(files, config.System("/etc/crontab", os.Getenv)) {
		if text, err := os.ReadFile(f); err == nil {
			jobs = append(jobs, watch.OldJobs(f, string(text))...)
		}
	}
	return jobs
}

// systemctl runs systemctl for the manager that the units belong to.
func (in installer) systemctl(args ...string) error {
	if in.user {
		args = append([]string{"--user"}, args...)
	}
	_, err := in.run("", "systemctl", args...)
	return err
}

// Run installs the schedule.
func (c *scheduleInstallCmd) Run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if _, err := sh.Nights().Jobs(nil); err != nil { // a schedule that cannot be read
		return err
	}
	in := sh.installer(ctx)
	if c.With != "" {
		in.which = c.With
	}
	if in.which == "" {
		return ops.E(ops.Failed, lang.M("there is neither systemd nor cron here")).
			WithHint(lang.M("keep `opsdeck watch` running: it is a scheduler of its own"))
	}
	if c.DryRun {
		return c.preview(sh, in)
	}
	if err := a.writable(); err != nil {
		return err
	}
	old, err := c.old(ctx, sh, in)
	if err != nil {
		return err
	}
	return sh.onRecord(ctx, "backup.schedule.install", in.which, func() error {
		if err := sh.Maker().Baseline(); err != nil {
			return err
		}
		if in.which == "systemd" {
			err = in.installUnits()
		} else {
			err = in.installCron(old)
		}
		if err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("the schedule could not be installed"))
		}
		if in.which == "systemd" && len(old) > 0 {
			if err := in.replaceOld(old); err != nil {
				return ops.Wrap(err, ops.Failed, lang.M("the old script's lines could not be taken out"))
			}
		}
		a.say(lang.M("installed in %s", in.which))
		for _, o := range in.oldJobs() {
			a.note(
				lang.M(
					"this line is still scheduled, and may be a backup of this or of another system: %s",
					strings.TrimSpace(o.File+" "+o.Line),
				),
			)
		}
		return nil
	})
}

// onRecord does a change and puts it on record.
func (sh *shelf) onRecord(ctx context.Context, action, object string, do func() error) error {
	log, err := sh.oplog(ctx)
	if err != nil {
		return err
	}
	err = do()
	entry := oplog.Entry{Service: sh.Service.Name, Action: action, Object: object, Result: oplog.Done}
	if err != nil {
		entry.Result, entry.Detail = oplog.Failed, map[string]string{"error": err.Error()}
	}
	return errors.Join(err, log.Record(entry))
}

func (c *scheduleInstallCmd) preview(sh *shelf, in installer) error {
	if in.which == "systemd" {
		units, err := in.plan.Systemd()
		if err != nil {
			return err
		}
		for _, u := range units {
			fmt.Fprintf(sh.out, "# %s\n%s\n", filepath.Join(in.unit, u.Name), u.Text)
		}
		return nil
	}
	old := in.crontab()
	if c.Replace {
		old = watch.Replace(old, sh.provenLines(in))
	}
	fmt.Fprint(sh.out, in.plan.Crontab(old))
	return nil
}

// provenLines are the lines of the user's crontab that provably make this database's
// backups in this folder.
func (sh *shelf) provenLines(in installer) (lines []string) {
	read := func(file string) (string, error) { return tailOf(file, 256<<10) }
	for _, o := range watch.OldJobs("", in.crontab()) {
		if watch.Proven(o.Line, read, sh.Service.Database.Name, sh.Dir) {
			lines = append(lines, o.Line)
		}
	}
	return lines
}

// old shows each of those lines, asks whether it may be commented out, and tells which
// others look like backups and stay.
func (c *scheduleInstallCmd) old(ctx context.Context, sh *shelf, in installer) (lines []string, err error) {
	if !c.Replace {
		return nil, nil
	}
	lines = sh.provenLines(in)
	for _, l := range lines {
		what := lang.M("This line of the crontab will be commented out: %s", l)
		if c.Confirm != "" {
			sh.note(what)
		}
		if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, what); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

func (in installer) installUnits() error {
	units, err := in.plan.Systemd()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(in.unit, 0o755); err != nil {
		return err
	}
	for _, u := range units {
		if err := atomicfile.WriteBytes(filepath.Join(in.unit, u.Name), 0o644, []byte(u.Text)); err != nil {
			return err
		}
	}
	if err := in.systemctl("daemon-reload"); err != nil {
		return err
	}
	for _, u := range units {
		follows := u.Name == in.plan.UnitName(watch.FollowJob)+".service"
		if !strings.HasSuffix(u.Name, ".timer") && !follows {
			continue
		}
		if err := in.systemctl("enable", "--now", u.Name); err != nil {
			return err
		}
	}
	return nil
}

func (in installer) installCron(replace []string) error {
	old := watch.Replace(in.crontab(), replace)
	_, err := in.run(in.plan.Crontab(old), "crontab", "-")
	return err
}

func (in installer) replaceOld(lines []string) error {
	old := in.crontab()
	if after := watch.Replace(old, lines); after != old {
		_, err := in.run(after, "crontab", "-")
		return err
	}
	return nil
}

// Run removes the schedule.
func (c *scheduleRemoveCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	in := sh.installer(ctx)
	where := in.installed()
	if where == "none" {
		a.note(lang.M("no schedule is installed"))
		return nil
	}
	if c.DryRun {
		a.say(lang.M("would remove the schedule from %s", where))
		return nil
	}
	return sh.onRecord(ctx, "backup.schedule.remove", where, func() error {
		if err := in.remove(where); err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("the schedule could not be removed"))
		}
		a.say(lang.M("removed from %s; backups are not made by themselves any more", where))
		return nil
	})
}

func (in installer) remove(where string) error {
	if where == "cron" {
		in.plan.Jobs = nil
		_, err := in.run(in.plan.Crontab(in.crontab()), "crontab", "-")
		return err
	}
	for _, job := range append([]string{watch.DueJob}, backups.JobNames...) {
		name := in.plan.UnitName(job)
		in.systemctl("disable", "--now", name+".timer") // one that is not there is no fault
		for _, suffix := range []string{".timer", ".service"} {
			if err := os.Remove(filepath.Join(in.unit, name+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	follow := in.plan.UnitName(watch.FollowJob) + ".service"
	if path := filepath.Join(in.unit, follow); exists(path) {
		in.systemctl("disable", "--now", follow)
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return in.systemctl("daemon-reload")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
