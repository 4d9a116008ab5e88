package mysql

import (
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
)

// readOnly finds a server that accepts no writes and is no replica, which should be so.
func (l *look) readOnly(on bool) {
	innodb, err := l.row("SELECT @@GLOBAL.innodb_read_only AS on_")
	forced, bad := l.row("SELECT @@GLOBAL.innodb_force_recovery AS level")
	var by string
	switch {
	case bad == nil && forced["level"] != "0" && forced["level"] != "":
		headline := lang.M("MySQL runs with innodb_force_recovery=%s", forced["level"])
		_, next := doctor.ReadOnly(doctor.ForcedRecovery)
		l.r.Find(ops.StateCritical, headline, lang.M("damaged data can be read, nothing can be restored"))
		l.advise(headline, lang.Sentence(next))
		return
	case err == nil && innodb["on_"] == "1":
		by = doctor.InnoDBReadOnly
	case on && len(l.copies.channels) == 0:
		by = "read_only"
	default:
		return
	}
	why, next := doctor.ReadOnly(by)
	if by != doctor.InnoDBReadOnly {
		why = lang.Msg{}
	}
	headline := lang.M("MySQL is read-only")
	l.r.Find(ops.StateWarning, headline, why)
	l.advise(headline, lang.Sentence(next))
}
