package runbooks

import (
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/pattern"
)

// status looks at some checks, at those of them that this service has; at all where it has none.
func (p Place) status(checks ...string) string {
	missing := map[string]bool{
		"redis": p.service.Redis.Address == "", "logs": len(p.service.Logs) == 0,
		"health": p.service.Health.URL == "", "ready": p.service.Health.URL == "",
		"mysql": p.database == "", "disk-data": p.database == "", "backup": p.database == "",
		"disk-backup": p.database == "",
	}
	checks = slices.DeleteFunc(checks, func(name string) bool { return missing[name] })
	if len(checks) == 0 {
		return p.Opsdeck("status")
	}
	return p.Opsdeck("status --only " + strings.Join(checks, ","))
}

// rotation shows how PM2 rotates the logs, where it runs the service.
func (p Place) rotation() []string {
	if p.service.Process.Kind != "pm2" {
		return nil
	}
	return []string{"pm2 conf pm2-logrotate"}
}

// elsewhere begins the name of a log that is no file of this machine: docker:NAME, ssh://HOST/path.
var elsewhere = pattern.New(`^[a-z]+:`)

// logFiles is a command with the log files of this machine, patterns too, as a shell takes them;
// none where every log is elsewhere.
func (p Place) logFiles(command string) []string {
	said := command
	for _, path := range p.service.Logs.Paths() {
		if elsewhere.MatchString(path) {
			continue
		}
		var b strings.Builder
		for _, r := range path {
			if r < 128 && human.Shell(string(r)) != string(r) && !strings.ContainsRune("?[]", r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
		said += " " + b.String()
	}
	if said == command {
		return nil
	}
	return []string{said}
}
