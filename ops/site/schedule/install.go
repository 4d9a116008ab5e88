package schedule

import (
	"context"
	"errors"
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
	"opsdeck/internal/regular"
	"opsdeck/ops"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/watch"
)

// Where a schedule can be installed.
const (
	Systemd = "systemd"
	Cron    = "cron"
	Nowhere = "none"
	Unknown = "unknown" // the crontab cannot be read
)

// toolLimit is how long a program of the system may take.
const toolLimit = 30 * time.Second

// Installer knows where a service's schedule is installed on this machine.
type Installer struct {
	shelf *backups.Shelf
	plan  watch.Plan
	dir   string // of systemd's units
	user  bool   // systemd's user manager
}

// NewInstaller makes the schedule's plan by the configuration. configFile is the one
// to start the jobs with, "" for the usual one.
func NewInstaller(sh *backups.Shelf, configFile string) *Installer {
	b := sh.Service.Backup
	command := command(configFile, "--service", sh.Service.Name, "backup")
	verb := func(words ...string) []string { return append(slices.Clone(command), words...) }
	in := &Installer{
		shelf: sh,
		plan:  watch.Plan{Service: sh.Service.Name, Command: verb("schedule", "run")},
	}
	in.dir, in.user = unitFolder()
	for _, j := range []watch.Planned{
		{Name: "daily", Cron: b.Daily, About: "backup"},
		{Name: "verify", Cron: b.Verify, About: "verification"},
		{Name: "drill", Cron: b.Drill, About: "restore drill"},
	} {
		if j.Cron != "" && j.Cron != "never" {
			in.plan.Jobs = append(in.plan.Jobs, j)
		}
	}
	if b.Binlog == "follow" {
		in.plan.Follow = verb("binlog", "follow")
		in.plan.Fetch = verb("binlog", "fetch")
	}
	return in
}

// command is how this program is started later, with a configuration's absolute path.
func command(configFile string, words ...string) []string {
	out := []string{program()}
	if configFile != "" {
		if abs, err := filepath.Abs(configFile); err == nil {
			configFile = abs
		}
		out = append(out, "--config", configFile)
	}
	return append(out, words...)
}

// unitFolder is where systemd's units of whoever runs this are, and whether they are a
// user's own.
func unitFolder() (dir string, user bool) {
	if os.Getuid() != 0 {
		return config.Home("~/.config/systemd/user"), true
	}
	return "/etc/systemd/system", false
}

// Here is what can run a schedule on this machine: Systemd, Cron, or "".
func (in *Installer) Here() string {
	if hasSystemd() {
		return Systemd
	}
	if _, err := exec.LookPath("crontab"); err != nil {
		return ""
	}
	return Cron
}

// Installed is where the schedule is: Systemd, Cron or Nowhere. Where the crontab cannot
// be read it is Unknown, with the error, unless systemd has it.
func (in *Installer) Installed(ctx context.Context) (string, error) {
	if len(in.plan.Jobs) > 0 {
		if exists(filepath.Join(in.dir, in.plan.UnitName(in.plan.Jobs[0].Name)+".timer")) {
			return Systemd, nil
		}
	}
	text, err := userCrontab(ctx)
	switch {
	case err != nil:
		return Unknown, err
	case in.plan.Installed(text):
		return Cron, nil
	}
	return Nowhere, nil
}

// OldJobs are the old script's lines in the crontabs that can be read.
func (in *Installer) OldJobs(ctx context.Context) []watch.OldJob {
	own, _ := userCrontab(ctx) // whoever needs it to be read asks Installed or Proven
	jobs := watch.OldJobs("", own)
	files, _ := filepath.Glob(config.System("/etc/cron.d/*", os.Getenv))
	for _, f := range append(files, config.System("/etc/crontab", os.Getenv)) {
		if text, err := regular.ReadFile(f); err == nil {
			jobs = append(jobs, watch.OldJobs(f, string(text))...)
		}
	}
	return jobs
}

// ProvenLine is a line of the user's crontab that provably makes this database's backups
// in this folder.
type ProvenLine struct {
	Line string
	By   string // the script that it runs and whose text proves it; "": the line itself does
}

// Proven are those lines, each once.
func (in *Installer) Proven(ctx context.Context) (lines []ProvenLine, err error) {
	text, err := userCrontab(ctx)
	if err != nil {
		return nil, err
	}
	read := func(file string) (string, error) { return tailOf(file, tailBytes) }
	for _, o := range watch.OldJobs("", text) {
		by, proven := watch.Proven(o.Line, read, in.shelf.Service.Database.Name, in.shelf.Dir)
		if l := (ProvenLine{Line: o.Line, By: by}); proven && !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// Unit is a file of systemd's as it would be written.
type Unit struct{ Path, Text string }

// Units are what would be installed for systemd.
func (in *Installer) Units() ([]Unit, error) {
	units, err := in.plan.Systemd()
	var out []Unit
	for _, u := range units {
		out = append(out, Unit{filepath.Join(in.dir, u.Name), u.Text})
	}
	return out, err
}

// Crontab is the crontab that would be installed, with these lines commented out.
func (in *Installer) Crontab(ctx context.Context, replace []string) (string, error) {
	text, err := userCrontab(ctx)
	if err != nil {
		return "", err
	}
	return in.plan.Crontab(watch.Replace(text, replace)), nil
}

// Install puts the schedule there, comments old lines of the user's crontab out, and
// records it. done tells of it, before the record.
func (in *Installer) Install(ctx context.Context, with string, old []string, done func()) error {
	return in.onRecord(ctx, "backup.schedule.install", with, func() error {
		if err := in.shelf.Maker().Baseline(); err != nil {
			return err
		}
		put := in.installUnits
		if with != Systemd {
			put = func(ctx context.Context) error { return in.installLines(ctx, old) }
		}
		if err := put(ctx); err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("the schedule could not be installed"))
		}
		if with == Systemd && len(old) > 0 {
			if err := in.replaceOld(ctx, old); err != nil {
				return ops.Wrap(err, ops.Failed, lang.M("the old script's lines could not be removed"))
			}
		}
		done()
		return nil
	})
}

// Remove takes the schedule away from where it is, and records it.
func (in *Installer) Remove(ctx context.Context, where string, done func()) error {
	return in.onRecord(ctx, "backup.schedule.remove", where, func() error {
		if err := in.remove(ctx, where); err != nil {
			return ops.Wrap(err, ops.Failed, lang.M("the schedule could not be removed"))
		}
		done()
		return nil
	})
}

// onRecord does a change and puts it on record.
func (in *Installer) onRecord(ctx context.Context, action, object string, do func() error) error {
	err := do()
	entry := oplog.Entry{Service: in.shelf.Service.Name, Action: action, Object: object, Result: oplog.Done}
	if err != nil {
		entry.Result = oplog.Failed
		entry.Detail = map[string]string{"error": err.Error()}
	}
	return errors.Join(err, in.shelf.Oplog(ctx).Record(entry))
}

func (in *Installer) run(ctx context.Context, stdin, name string, args ...string) (string, error) {
	return tool(ctx, toolLimit, stdin, name, args...)
}

// installLines puts the plan's lines into the user's crontab.
func (in *Installer) installLines(ctx context.Context, old []string) error {
	text, err := in.Crontab(ctx, old)
	if err != nil {
		return err
	}
	return in.writeCrontab(ctx, text)
}

func (in *Installer) writeCrontab(ctx context.Context, text string) error {
	_, err := in.run(ctx, text, "crontab", "-")
	return err
}

// systemctl runs systemctl for the manager that the units belong to.
func (in *Installer) systemctl(ctx context.Context, args ...string) error {
	if in.user {
		args = append([]string{"--user"}, args...)
	}
	_, err := in.run(ctx, "", "systemctl", args...)
	return err
}

func (in *Installer) installUnits(ctx context.Context) error {
	units, err := in.plan.Systemd()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(in.dir, 0o755); err != nil {
		return err
	}
	for _, u := range units {
		if err := atomicfile.WriteBytes(filepath.Join(in.dir, u.Name), 0o644, []byte(u.Text)); err != nil {
			return err
		}
	}
	if err := in.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	for _, u := range units {
		follows := u.Name == in.plan.UnitName(watch.FollowJob)+".service"
		if !strings.HasSuffix(u.Name, ".timer") && !follows {
			continue
		}
		if err := in.systemctl(ctx, "enable", "--now", u.Name); err != nil {
			return err
		}
	}
	return nil
}

func (in *Installer) replaceOld(ctx context.Context, lines []string) error {
	old, err := userCrontab(ctx)
	if err != nil {
		return err
	}
	if after := watch.Replace(old, lines); after != old {
		return in.writeCrontab(ctx, after)
	}
	return nil
}

func (in *Installer) remove(ctx context.Context, where string) error {
	if where == Cron {
		none := in.plan
		none.Jobs = nil
		text, err := userCrontab(ctx)
		if err != nil {
			return err
		}
		return in.writeCrontab(ctx, none.Crontab(text))
	}
	for _, job := range append([]string{watch.DueJob}, backups.JobNames...) {
		name := in.plan.UnitName(job)
		in.systemctl(ctx, "disable", "--now", name+".timer") // one that is not there is no fault
		for _, suffix := range []string{".timer", ".service"} {
			if err := os.Remove(filepath.Join(in.dir, name+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	follow := in.plan.UnitName(watch.FollowJob) + ".service"
	if path := filepath.Join(in.dir, follow); exists(path) {
		in.systemctl(ctx, "disable", "--now", follow)
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return in.systemctl(ctx, "daemon-reload")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
