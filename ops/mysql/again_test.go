package mysql

import (
	"context"
	"errors"
	"testing"

	driver "github.com/go-sql-driver/mysql"
)

func TestWhatYieldsIsRunAgainAndNothingElse(t *testing.T) {
	deadlock, wait := &driver.MySQLError{Number: ErrDeadlock}, &driver.MySQLError{Number: ErrLockWaitTimeout}
	full, broken := &driver.MySQLError{Number: 1114}, driver.ErrInvalidConn
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		answers []error // in turn
		want    error
		tries   int
	}{
		"at once":           {t.Context(), []error{nil}, nil, 1},
		"after others":      {t.Context(), []error{deadlock, wait, deadlock, wait, nil}, nil, 5},
		"another error":     {t.Context(), []error{deadlock, full, nil}, full, 2},
		"a lost connection": {t.Context(), []error{broken, nil}, broken, 1}, // it may have been done
		"interrupted":       {ended, []error{deadlock, nil}, deadlock, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			err := Again(c.ctx, func() error {
				tries++
				return c.answers[tries-1]
			})
			if !errors.Is(err, c.want) || tries != c.tries {
				t.Errorf("%v after %d tries, want %v after %d", err, tries, c.want, c.tries)
			}
		})
	}
}
