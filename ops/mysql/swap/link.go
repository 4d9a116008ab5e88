package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// link is the shared connection of a Server's parts.
type link struct {
	Target mysql.Target
	bound  *restore.Plan // whose server it has to be; nil: any

	mariadb bool
	pool    *sql.DB
	own     *sql.DB // makes the dedicated connections, and keeps none

	mine sync.Map // ids of the dedicated connections, as text
}

// opened tells whether a session is a dedicated connection of this process.
func (l *link) opened(id string) bool {
	_, ok := l.mine.Load(id)
	return ok
}

// end closes the connections.
func (l *link) end() error {
	if l.pool == nil {
		return nil
	}
	err := errors.Join(l.own.Close(), l.pool.Close())
	l.pool, l.own = nil, nil
	return err
}

// db is the pool without a default database. The pool reconnects, also after a server
// restart.
func (l *link) db(ctx context.Context) (*sql.DB, error) {
	if l.pool != nil {
		return l.pool, nil
	}
	open := func() (*sql.DB, error) {
		return mysql.Open(ctx, l.Target, "", func(c *driver.Config) {
			c.InterpolateParams = true
			c.Params["sql_mode"] = "''"
		})
	}
	pool, err := open()
	if err != nil {
		return nil, err
	}
	pool.SetMaxIdleConns(surveyJobs + 1)
	pool.SetConnMaxIdleTime(30 * time.Second)
	if l.mariadb, err = schema.IsMariaDB(ctx, pool); err != nil {
		pool.Close()
		return nil, mysql.Explain(err, l.Target)
	}
	if err := l.same(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	own, err := open()
	if err != nil {
		pool.Close()
		return nil, err
	}
	own.SetMaxIdleConns(-1)
	l.pool, l.own = pool, own
	return pool, nil
}

// conn is a dedicated connection in the given database ("" for none), with a limit on lock
// waits. Its Close ends it: in the pool, its settings would be those of whoever comes next.
func (l *link) conn(ctx context.Context, in string, wait time.Duration) (*sql.Conn, error) {
	if _, err := l.db(ctx); err != nil {
		return nil, err
	}
	c, err := l.own.Conn(ctx)
	if err != nil {
		return nil, mysql.Explain(err, l.Target)
	}
	setup := []string{
		fmt.Sprintf("SET SESSION lock_wait_timeout = %d", restore.LockSeconds(wait)),
		"SET SESSION foreign_key_checks = 1",
		"SET NAMES utf8mb4",
		"SET SESSION time_zone = '+00:00'",
		"SET SESSION sql_mode = ''",
	}
	if in != "" {
		setup = append(setup, "USE "+restore.Name(in))
	}
	for _, q := range setup {
		if _, err := c.ExecContext(ctx, q); err != nil {
			c.Close()
			return nil, mysql.Explain(err, l.Target)
		}
	}
	if id, err := schema.One(ctx, c, "SELECT CONNECTION_ID()"); err == nil {
		l.mine.Store(id, true)
	}
	return c, nil
}
