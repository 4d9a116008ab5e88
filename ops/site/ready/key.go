package ready

import (
	"errors"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
	"opsdeck/ops/site/backups"
)

// keyPoint is doctor's look at the keys.
func keyPoint(s *config.Service) doctor.Point {
	p := doctor.Point{
		Name:    "backup-key",
		Service: s.Name,
		Seen:    lang.M("backup.identity decrypts what is encrypted to backup.recipients"),
	}
	if s.Backup.Identity == "" {
		p.Seen = lang.M("backups are encrypted, and this machine has no key: none can be verified or restored here")
	}
	if err := backups.KeyFits(s.Backup); err != nil {
		f := doctor.Finding{State: ops.StateCritical, What: lang.Raw(err.Error())}
		var known *ops.Error
		if errors.As(err, &known) {
			f.What = known.What
		}
		p.Findings = []doctor.Finding{f}
	}
	return p
}
