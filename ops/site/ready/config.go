package ready

import (
	"errors"
	"net"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/notify"
	"opsdeck/ops/ping"
	"opsdeck/ops/remote"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/reading"
	"opsdeck/ops/site/serving"
)

// ConfigProblems are what is wrong with a configuration beyond its keys: files with secrets,
// keys, copies and targets that it names. Nothing is sent.
func ConfigProblems(l *config.Loaded) []error {
	var problems []error
	secret := func(path string) {
		if path == "" {
			return
		}
		if _, err := config.ReadSecret(path); err != nil {
			problems = append(problems, ops.Wrap(err, ops.Config, lang.M("the secret file %s cannot be used", path)))
		}
	}
	secret(l.Serve.TokenFile)
	if at, err := net.ResolveTCPAddr("tcp", l.Serve.Listen); err == nil {
		var e *ops.Error
		if errors.As(serving.Exposed(at, l.Serve), &e) {
			ofConfig := *e
			ofConfig.Code = ops.Config
			problems = append(problems, &ofConfig)
		}
	}
	if _, err := reading.Formats(l.Config); err != nil {
		problems = append(problems, err)
	}
	for _, s := range l.Services {
		if _, err := mysql.Resolve(s.Database); err != nil {
			problems = append(problems, err)
		} else if err := mysql.MissingOptions(s.Database.OptionsFile); err != nil {
			problems = append(problems, err)
		}
		secret(s.Redis.PasswordFile)
		if err := backups.KeyFits(s.Backup); err != nil {
			problems = append(problems, err)
		}
		for _, c := range s.Backup.Copies {
			store, err := remote.Open(c) // sends nothing yet
			if err != nil {
				problems = append(problems, err)
				continue
			}
			store.Close()
		}
		for _, file := range []string{s.Pings.Backup, s.Pings.Verify, s.Pings.Drill, s.Pings.Sync, s.Pings.Watch} {
			if _, err := ping.Open(file); err != nil {
				problems = append(problems, err)
			}
		}
		for _, n := range s.Notify {
			if _, err := notify.New(n); err != nil {
				problems = append(problems, err)
			}
		}
	}
	return problems
}
