package mysql

import (
	"context"
	"database/sql"
	"strings"
)

// LogReplayably lets a session write to a database so that the binlog of it can be replayed: in
// that database, because a logged statement is run again in the one it was run in, and as rows, if
// this user has the privilege. It must not be called in a transaction.
func LogReplayably(ctx context.Context, c *sql.Conn, database string) error {
	if _, err := c.ExecContext(ctx, "USE `"+strings.ReplaceAll(database, "`", "``")+"`"); err != nil {
		return err
	}
	_, err := c.ExecContext(ctx, "SET SESSION binlog_format = ROW")
	if Number(err) != 0 {
		return nil // the server answered: it does not allow it, or does not know it
	}
	return err
}
