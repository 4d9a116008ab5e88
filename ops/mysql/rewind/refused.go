package rewind

import (
	"errors"
	"fmt"

	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
)

// RefusedError says that the server's keys did not let rows be changed; nothing was done.
type RefusedError struct {
	Verb    binlog.Verb
	Table   string
	Orphans bool // the rows would refer to rows that are not there
	Err     error
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s of %s: %v", e.Verb, e.Table, e.Err) }

// Unwrap is the server's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// errRows says that a statement changed more or fewer rows than the plan has.
var errRows = errors.New("rows")

// What the server answers when a key is in the way.
// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
const (
	errNoParent  = 1216
	errChild     = 1217
	errChildOf   = 1451
	errNoParentX = 1452
)

// refused tells what the keys refused from other errors.
func refused(verb binlog.Verb, t *table, err error) error {
	number := mysql.Number(err)
	orphans := number == errNoParent || number == errNoParentX
	keys := orphans || number == errChild || number == errChildOf || number == mysql.ErrDuplicateKey
	if !keys && !errors.Is(err, errRows) {
		return fmt.Errorf("%s of %s: %w", verb, t.SQLName(), err)
	}
	return &RefusedError{Verb: verb, Table: t.Name, Orphans: orphans, Err: err}
}
