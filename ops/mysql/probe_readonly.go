package mysql

import (
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/doctor"
)

// readOnly finds a server that accepts no writes and is no replica, which should be so.
func (l *look) readOnly(on bool) {
	innodb, err := l.row("SELECT @@GLOBAL.innodb_read_only AS on_")
	var by string
	switch {
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
