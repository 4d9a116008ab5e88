package doctor

import "opsdeck/internal/lang"

// InnoDBReadOnly is the setting of a server whose tables cannot be written at all.
const InnoDBReadOnly = "innodb_read_only"

// ForcedRecovery is the setting of a server that was started to read what a damaged InnoDB
// still gives: it refuses to write rows, but drops tables.
const ForcedRecovery = "innodb_force_recovery"

// ReadOnly explains that a server accepts no writes, by the setting that says so, and what
// to do about it. Turning off read_only turns off super_read_only too.
func ReadOnly(by string) (what, hint lang.Msg) {
	if by == InnoDBReadOnly {
		return lang.M("InnoDB on this server is read-only (innodb_read_only or innodb_force_recovery)"),
			lang.M("remove both settings from the server's configuration and restart it")
	}
	if by == ForcedRecovery {
		return lang.M("the server runs with innodb_force_recovery: it reads damaged data, and must not be written to"),
			lang.M("save what can be read: opsdeck backup create; then restart the server without it, on an empty " +
				"data folder if it does not start, and restore")
	}
	return lang.M("the server is read-only (%s)", by),
		lang.M("if this is the primary: SET GLOBAL read_only = OFF; on a replica, use the primary")
}
