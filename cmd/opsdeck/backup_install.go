package main

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/site/schedule"
)

type scheduleInstallCmd struct {
	With    string `enum:",systemd,cron" default:"" placeholder:"systemd|cron" help:"Use this scheduler instead of the detected one."`
	Replace bool   `help:"Comment out this user's crontab lines that certainly back up this database into this folder; each is shown and confirmed."`
	Confirm string `placeholder:"NAME" help:"The database's name, to confirm the lines of --replace without a terminal."`
	DryRun  bool   `help:"Show what would be installed, install nothing."`
}

type scheduleRemoveCmd struct {
	DryRun bool `help:"Show what would be removed, remove nothing."`
}

// installer finds the schedules.
func (sh *shelf) installer() *schedule.Installer {
	return schedule.NewInstaller(sh.Shelf, sh.flags.ConfigFile)
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
	in := sh.installer()
	with := c.With
	if with == "" {
		with = in.Here()
	}
	if with == "" {
		return ops.E(ops.Failed, lang.M("this machine has neither systemd nor cron")).
			WithHint(lang.M("keep `opsdeck watch` running: it is a scheduler of its own"))
	}
	if c.DryRun {
		return c.preview(ctx, sh, in, with)
	}
	if err := a.writable(); err != nil {
		return err
	}
	old, err := c.old(ctx, sh, in)
	if err != nil {
		return err
	}
	return in.Install(ctx, with, old, func() {
		a.say(lang.M("installed in %s", with))
		for _, o := range in.OldJobs(ctx) {
			a.note(lang.M("this line is still scheduled, and may be a backup of this or of another system: %s",
				strings.TrimSpace(o.File+" "+o.Line)))
		}
	})
}

func (c *scheduleInstallCmd) preview(ctx context.Context, sh *shelf, in *schedule.Installer, with string) error {
	if with == schedule.Systemd {
		units, err := in.Units()
		if err != nil {
			return err
		}
		for _, u := range units {
			fmt.Fprintf(sh.out, "# %s\n%s\n", u.Path, u.Text)
		}
		return nil
	}
	var old []string
	var err error
	if c.Replace {
		if old, err = in.Proven(ctx); err != nil {
			return err
		}
	}
	text, err := in.Crontab(ctx, old)
	if err != nil {
		return err
	}
	fmt.Fprint(sh.out, text)
	return nil
}

// old shows each line that is provably this backup's, asks whether it may be commented out, and tells which
// others look like backups and stay.
func (c *scheduleInstallCmd) old(ctx context.Context, sh *shelf, in *schedule.Installer) (lines []string, err error) {
	if !c.Replace {
		return nil, nil
	}
	if lines, err = in.Proven(ctx); err != nil {
		return nil, err
	}
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

// Run removes the schedule.
func (c *scheduleRemoveCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	in := sh.installer()
	where, err := in.Installed(ctx)
	if err != nil {
		return err
	}
	if where == schedule.Nowhere {
		a.note(lang.M("no schedule is installed"))
		return nil
	}
	if c.DryRun {
		a.say(lang.M("would remove the schedule from %s", where))
		return nil
	}
	return in.Remove(ctx, where, func() {
		a.say(lang.M("removed from %s; there are no automatic backups any more", where))
	})
}
