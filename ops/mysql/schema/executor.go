package schema

import (
	"context"
	"database/sql"
	"fmt"
)

// Executor is what reads and changes: a *sql.Conn or *sql.DB.
type Executor interface {
	Querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// DropDatabase drops a database, if it is there. Tables of OQGRAPH go first: DROP
// DATABASE opens the table that such a one shows, and then waits for itself to close
// it until the lock's time is over (seen on MariaDB 10.11).
func DropDatabase(ctx context.Context, c Executor, name string) error {
	graphs, err := All(
		ctx,
		c,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND ENGINE = 'OQGRAPH'",
		name,
	)
	if err != nil {
		return fmt.Errorf("list the tables of %s: %w", name, err)
	}
	for _, g := range graphs {
		if _, err := c.ExecContext(ctx, "DROP TABLE IF EXISTS "+Name(name, g[0])); err != nil {
			return err
		}
	}
	_, err = c.ExecContext(ctx, "DROP DATABASE IF EXISTS "+Ident(name))
	return err
}
