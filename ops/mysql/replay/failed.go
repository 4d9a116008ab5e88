package replay

import (
	"fmt"

	"opsdeck/ops/mysql"
)

// interrupted reports whether an error ended a statement at a place that running it again
// does not find: it was killed, timed out, or lost a lock.
//
// ignored_error_code and unexpected_error_code in log_event.cc of MySQL and MariaDB.
func interrupted(code uint16) bool {
	switch code {
	case 1053, 1028, 1104, 1205, 1213, 1226, 1317, 1927, 1969, 2013, 3024, 4165, 4166:
		return true
	}
	return false
}

// asThere judges the outcome of a statement by its outcome on the server that logged it: a
// statement that failed after some rows of a non-transactional table is logged with its
// error, and has to fail in the same way.
func asThere(err error, code uint16) error {
	switch {
	case code == 0:
		return err
	case mysql.Number(err) == code:
		return nil
	case err == nil:
		return fmt.Errorf("it succeeded here, and ended with error %d on the server that logged it", code)
	}
	return err
}
