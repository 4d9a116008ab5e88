package config

import (
	"path/filepath"
	"strings"
)

// anchor makes every relative path of the file one below the file's own folder:
// a worker, a timer and a person in another folder must mean the same file.
func (c *Config) anchor(folder string) {
	at := func(paths ...*string) {
		for _, p := range paths {
			*p = below(folder, *p)
		}
	}
	at(&c.StateDir, &c.Serve.TLSCert, &c.Serve.TLSKey, &c.Serve.TokenFile)
	for i := range c.Services {
		s := &c.Services[i]
		at(&s.Redis.PasswordFile, &s.Process.Dir, &s.Process.Home, &s.Backup.Dir, &s.Backup.Identity, &s.Deploy.Dir,
			&s.Deploy.Switch.File, &s.Deploy.Releases)
		for _, d := range []*Database{&s.Database, &s.Audit.Replica, &s.Backup.DrillServer} {
			at(&d.OptionsFile, &d.Socket, &d.DataDir)
		}
		for n := range s.Backup.Copies {
			at(&s.Backup.Copies[n].IdentityFile, &s.Backup.Copies[n].CredentialsFile)
		}
		at(&s.Pings.Backup, &s.Pings.Verify, &s.Pings.Drill, &s.Pings.Sync, &s.Pings.Watch)
		for n := range s.Notify {
			one := &s.Notify[n]
			at(&one.URLFile, &one.PasswordFile, &one.CAFile, &one.TemplateFile)
			if len(one.Command) > 0 && strings.Contains(one.Command[0], "/") { // else it is looked for on the PATH
				at(&one.Command[0])
			}
			if !strings.Contains(one.Address, "://") {
				at(&one.Address)
			}
		}
		for n := range s.Health.Disks {
			at(&s.Health.Disks[n])
		}
		for n, source := range s.Logs {
			if !strings.Contains(source.Path, ":") { // docker:NAME, journald:UNIT, loki:URL
				at(&s.Logs[n].Path)
			}
		}
	}
}

func below(folder, path string) string {
	if path == "" || filepath.IsAbs(path) || strings.HasPrefix(path, "~") {
		return path
	}
	return filepath.Join(folder, path)
}
