package main

import (
	"context"
	"os"

	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/site/schedule"
)

type watchInstallCmd struct {
	With       string `enum:",systemd,pm2,cron" default:"" placeholder:"systemd|pm2|cron" help:"Use this scheduler instead of the detected one."`
	AlertsOnly bool   `help:"Run no scheduled jobs: systemd or cron does."`
	DryRun     bool   `help:"Show what would be installed, install nothing."`
}

// Run has the machine start watch: by systemd, else PM2, else cron.
func (c *watchInstallCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	w, err := anyWatcher(a) // a configuration that watch would refuse
	if err != nil {
		return err
	}
	l, err := a.config()
	if err != nil {
		return err
	}
	in := schedule.NewDaemonInstaller(l.Services, a.flags.ConfigFile, w.StateDir, c.AlertsOnly)
	with := c.With
	if with == "" {
		with = schedule.DaemonKeeper()
	}
	if with == "" {
		return ops.E(ops.Failed, lang.M("found no systemd, PM2 or cron on this machine")).
			WithHint(lang.M("keep `opsdeck watch` running by other means"))
	}
	if c.DryRun {
		for _, text := range in.Shown(with) {
			a.say(lang.Raw(text))
		}
		return nil
	}
	if err := os.MkdirAll(w.StateDir, 0o700); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the state folder cannot be created"))
	}
	if err := in.Install(ctx, with); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("watch could not be installed in %s", with))
	}
	if with == "cron" {
		a.note(lang.M("cron starts it at the next boot; until then run it in the background: %s &", in.CommandLine()))
	}
	log, err := a.oplog(ctx)
	if err == nil {
		err = log.Record(oplog.Entry{Action: "watch.install", Object: with, Result: oplog.Done})
	}
	if err != nil {
		return err
	}
	a.say(lang.M("watch is installed in %s; check it with: opsdeck alerts", with))
	return nil
}
