package ready

import (
	"os"
	"os/exec"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/probe"
)

// Machine are the points about no service.
func Machine(l *config.Loaded, getenv func(string) string) []doctor.Point {
	conf := doctor.Point{
		Name: "config",
		Seen: lang.M("using the defaults; `opsdeck config init` writes a file"),
	}
	if l.Path != "" {
		conf.Seen = lang.M("read from %s", l.Path)
	}
	state := config.Home(l.StateDirFor(os.Getuid(), getenv))
	facts := probe.Folder(state)
	points := []doctor.Point{conf, doctor.JudgeFolder(facts, "state-folder", "", true, 0, 0)}
	locale := doctor.Point{Name: "locale", Seen: lang.M("the terminal's text is UTF-8")}
	if v := firstSet(getenv, "LC_ALL", "LC_CTYPE", "LANG"); !strings.Contains(
		strings.ToUpper(strings.ReplaceAll(v, "-", "")),
		"UTF8",
	) {
		locale.Findings = []doctor.Finding{
			{
				State: ops.StateWarning,
				What:  lang.M("the locale %q is not UTF-8: Chinese names may not be shown", v),
				Fix:   "export LANG=C.UTF-8",
			},
		}
	}
	return append(points, locale)
}

func firstSet(getenv func(string) string, names ...string) string {
	for _, n := range names {
		if v := getenv(n); v != "" {
			return v
		}
	}
	return ""
}

// toolsOf are the programs that a service's configuration needs, and for what.
func toolsOf(s *config.Service) map[string]lang.Msg {
	need := map[string]lang.Msg{}
	control := lang.M("it starts and stops the service")
	switch s.Process.Kind {
	case "pm2":
		need["pm2"] = control
	case "systemd":
		need["systemctl"] = control
	case "compose":
		need["docker"] = control
	}
	if s.Backup.Engine == "mysqldump" && s.Database.Container == "" {
		need["mysqldump"] = lang.M("it makes the backups")
	}
	for _, c := range s.Backup.Copies {
		if c.Kind == "rsync" {
			need["rsync"], need["ssh"] = lang.M("it copies backups"), lang.M("it copies backups")
		}
	}
	return need
}

func onPath(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}
