package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/site/schedule"
	"opsdeck/ops/watch"
)

type watchInstallCmd struct {
	With       string `enum:",systemd,pm2,cron" default:"" placeholder:"systemd|pm2|cron" help:"Use this scheduler instead of the detected one."`
	AlertsOnly bool   `help:"Run no scheduled jobs: systemd or cron does."`
	DryRun     bool   `help:"Show what would be installed, install nothing."`
}

// daemonInstaller knows where the daemon is installed on this machine.
type daemonInstaller struct {
	*app
	daemon watch.Daemon
	unit   string // folder of systemd's units
}

// Run has the machine start watch: by systemd, else PM2, else cron.
func (c *watchInstallCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	w, err := a.anyWatcher() // a configuration that watch would refuse
	if err != nil {
		return err
	}
	in, err := a.daemonInstaller(w.StateDir, c.AlertsOnly)
	if err != nil {
		return err
	}
	with := c.With
	if with == "" {
		with = daemonKeeper()
	}
	if with == "" {
		return ops.E(ops.Failed, lang.M("found no systemd, PM2 or cron on this machine")).
			WithHint(lang.M("keep `opsdeck watch` running by other means"))
	}
	if c.DryRun {
		return in.show(with)
	}
	if err := os.MkdirAll(w.StateDir, 0o700); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the state folder cannot be created"))
	}
	if err := in.install(ctx, with); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("watch could not be installed in %s", with))
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

// daemonKeeper is what can keep a daemon running here: systemd, pm2, cron, or "".
func daemonKeeper() string {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		return "systemd"
	}
	for _, tool := range [][2]string{{"pm2", "pm2"}, {"crontab", "cron"}} {
		if _, err := exec.LookPath(tool[0]); err == nil {
			return tool[1]
		}
	}
	return ""
}

func (a *app) daemonInstaller(state string, alertsOnly bool) (*daemonInstaller, error) {
	l, err := a.config()
	if err != nil {
		return nil, err
	}
	in := &daemonInstaller{app: a, unit: "/etc/systemd/system"}
	in.daemon.Command = []string{schedule.Program()}
	if f := a.flags.ConfigFile; f != "" {
		if abs, err := filepath.Abs(f); err == nil {
			f = abs
		}
		in.daemon.Command = append(in.daemon.Command, "--config", f)
	}
	in.daemon.Command = append(in.daemon.Command, "watch")
	if alertsOnly {
		in.daemon.Command = append(in.daemon.Command, "--alerts-only")
	}
	if os.Getuid() != 0 {
		in.daemon.User = true
		in.unit = config.Home("~/.config/systemd/user")
	}
	in.daemon.Write = []string{state}
	for _, s := range l.Services {
		if s.Backup.Dir != "" {
			in.daemon.Write = append(in.daemon.Write, config.Home(s.Backup.Dir))
		}
		if s.Process.Kind == "pm2" {
			home := s.Process.Home
			if home == "" {
				home = "~/.pm2"
			}
			in.daemon.Write = append(in.daemon.Write, config.Home(home))
		}
	}
	return in, nil
}

// show prints what would be installed.
func (in *daemonInstaller) show(with string) error {
	switch with {
	case "systemd":
		u := in.daemon.Systemd()
		in.say(lang.Raw("# " + filepath.Join(in.unit, u.Name) + "\n" + u.Text))
	case "pm2":
		in.say(lang.Raw(shellLine(append([]string{"pm2"}, in.daemon.PM2()...))))
		in.say(lang.Raw("pm2 save"))
	default:
		in.say(lang.Raw(in.daemon.Cron()))
	}
	return nil
}

func shellLine(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, human.Shell(w))
	}
	return strings.Join(out, " ")
}

func (in *daemonInstaller) install(ctx context.Context, with string) error {
	switch with {
	case "systemd":
		return in.installUnit(ctx)
	case "pm2":
		in.tool(ctx, "", "pm2", "delete", watch.DaemonName) // one of before, if any
		if _, err := in.tool(ctx, "", "pm2", in.daemon.PM2()...); err != nil {
			return err
		}
		_, err := in.tool(ctx, "", "pm2", "save")
		return err
	}
	old, err := in.tool(ctx, "", "crontab", "-l")
	if err != nil {
		old = ""
	}
	if _, err := in.tool(ctx, in.daemon.Crontab(old), "crontab", "-"); err != nil {
		return err
	}
	in.note(
		lang.M(
			"cron starts it at the next boot; until then run it in the background: %s &",
			shellLine(in.daemon.Command),
		),
	)
	return nil
}

func (in *daemonInstaller) installUnit(ctx context.Context) error {
	u := in.daemon.Systemd()
	if err := os.MkdirAll(in.unit, 0o755); err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(in.unit, u.Name), 0o644, []byte(u.Text)); err != nil {
		return err
	}
	for _, args := range [][]string{{"daemon-reload"}, {"enable", u.Name}, {"restart", u.Name}} {
		if in.daemon.User {
			args = append([]string{"--user"}, args...)
		}
		if _, err := in.tool(ctx, "", "systemctl", args...); err != nil {
			return err
		}
	}
	return nil
}

// tool runs one of the system's programs.
func (in *daemonInstaller) tool(ctx context.Context, stdin, name string, args ...string) (string, error) {
	return schedule.Tool(ctx, time.Minute, stdin, name, args...)
}
