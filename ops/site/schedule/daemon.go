package schedule

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
	"opsdeck/ops/watch"
)

// DaemonInstaller has this machine start watch: systemd, PM2 or cron does.
type DaemonInstaller struct {
	daemon watch.Daemon
	unit   string // folder of systemd's units
}

// DaemonKeeper is what can keep a daemon running here: systemd, pm2, cron, or "".
func DaemonKeeper() string {
	if hasSystemd() {
		return "systemd"
	}
	for _, tool := range [][2]string{{"pm2", "pm2"}, {"crontab", "cron"}} {
		if _, err := exec.LookPath(tool[0]); err == nil {
			return tool[1]
		}
	}
	return ""
}

// NewDaemonInstaller makes the installer of the watch of these services, with this state
// folder and configuration file ("" is the one that is found).
func NewDaemonInstaller(services []config.Service, configFile, state string, alertsOnly bool) *DaemonInstaller {
	in := &DaemonInstaller{}
	in.unit, in.daemon.User = unitFolder()
	in.daemon.Command = command(configFile, "watch")
	if alertsOnly {
		in.daemon.Command = append(in.daemon.Command, "--alerts-only")
	}
	in.daemon.Write = []string{state}
	for _, s := range services {
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
	return in
}

// CommandLine is the daemon's command as a shell takes it.
func (in *DaemonInstaller) CommandLine() string { return shellLine(in.daemon.Command) }

// Shown are the texts that Install would install, or the commands that it would run.
func (in *DaemonInstaller) Shown(with string) []string {
	switch with {
	case "systemd":
		u := in.daemon.Systemd()
		return []string{"# " + filepath.Join(in.unit, u.Name) + "\n" + u.Text}
	case "pm2":
		return []string{shellLine(append([]string{"pm2"}, in.daemon.PM2()...)), "pm2 save"}
	}
	return []string{in.daemon.Cron()}
}

func shellLine(words []string) string {
	var out []string
	for _, w := range words {
		out = append(out, human.Shell(w))
	}
	return strings.Join(out, " ")
}

// Install has the machine start watch, with systemd, pm2 or cron.
func (in *DaemonInstaller) Install(ctx context.Context, with string) error {
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
	old, err := userCrontab(ctx)
	if err != nil {
		return err
	}
	_, err = in.tool(ctx, in.daemon.Crontab(old), "crontab", "-")
	return err
}

func (in *DaemonInstaller) installUnit(ctx context.Context) error {
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
func (in *DaemonInstaller) tool(ctx context.Context, stdin, name string, args ...string) (string, error) {
	return tool(ctx, time.Minute, stdin, name, args...)
}
