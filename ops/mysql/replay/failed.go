package replay

import (
	"errors"
	"fmt"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
)

// failedText is the most that is shown of a statement that failed, in bytes.
const failedText = 100

// failed is the error of a step of the log, with the statement and the restore that ends
// before it. A batch holds the rows of several transactions: then it is the first of them.
// Errors that say nothing of the log (a lost connection, a full disk) keep their own advice.
func failed(r *runner, i *format.Item, err error) error {
	var own *ops.Error
	if errors.As(err, &own) || errors.Is(err, ErrAgain) || mysql.Circumstance(err) {
		return fmt.Errorf("replay %s: %w", i.Group.ID(), err)
	}
	id := i.Group.ID()
	what := lang.M("the replay failed at transaction %s of the binlog", id)
	switch {
	case r.unsent != (binlog.Place{}):
		id = r.unsent.Position.String()
		what = lang.M("the replay failed at the rows of the transactions from %s of the binlog on", id)
	case i.What == format.Statement && i.Query != nil:
		text := cut(short(i.Query.SQL), failedText)
		what = lang.M("the replay failed at transaction %s of the binlog, in the statement: %s", id, text)
	}
	return ops.Wrap(err, ops.Failed, what).
		WithHint(lang.M("restore to just before it instead: opsdeck restore --before %s --plan", id))
}

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
