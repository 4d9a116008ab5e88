package mysql

import (
	"errors"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"

	"opsdeck/ops"
	"opsdeck/ops/doctor"
)

// Errors of a server that accepts no writes; names as in mysqld_error.h.
const (
	errCantCreate     = 1005 // ER_CANT_CREATE_TABLE
	errReadOnlyMode   = 1836 // ER_READ_ONLY_MODE
	errInnoDBReadOnly = 1874 // ER_INNODB_READ_ONLY
	errForcedRecovery = 1881 // ER_INNODB_FORCED_RECOVERY
)

// ReadOnlyBy is the setting by which a server refused a write; "" for other errors.
func ReadOnlyBy(err error) string {
	var e *mysqldriver.MySQLError
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Number {
	case errReadOnlyMode, errInnoDBReadOnly, errForcedRecovery:
		return doctor.InnoDBReadOnly
	case errCantCreate:
		if strings.Contains(e.Message, "errno: 165") { // HA_ERR_TABLE_READONLY, of MariaDB
			return doctor.InnoDBReadOnly
		}
	case ErrOptionReadOnly:
		said := strings.ReplaceAll(e.Message, "-", "_")
		for _, name := range []string{doctor.InnoDBReadOnly, "super_read_only", "read_only"} {
			if strings.Contains(said, name) {
				return name
			}
		}
	}
	return ""
}

// explainReadOnly makes an *ops.Error of a refused write.
func explainReadOnly(err error) error {
	what, hint := doctor.ReadOnly(ReadOnlyBy(err))
	return ops.Wrap(err, ops.Failed, what).WithHint(hint)
}
