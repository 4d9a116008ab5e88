package dump

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/rowread"
	"opsdeck/ops/mysql/schema"
)

const errUnknownVariable = 1193

// settings make a session see everything and wait for slow readers. Settings that a server
// does not know are skipped: support is probed, not derived from the version.
var settings = []string{
	"SQL_QUOTE_SHOW_CREATE = 1",
	"net_write_timeout = 3600",
	"net_read_timeout = 3600",
	"wait_timeout = 86400",
	"sql_select_limit = 18446744073709551615",
	"sql_big_selects = 1",
	"max_execution_time = 0",
	"max_statement_time = 0",
	"information_schema_stats_expiry = 0", // otherwise sizes are up to a day old
	"show_gipk_in_create_table_and_information_schema = ON",
	"system_versioning_asof = DEFAULT",
	"transaction_isolation = 'REPEATABLE-READ'",
	"tx_isolation = 'REPEATABLE-READ'",
}

// connect pins a connection and prepares it for reading a dump.
func connect(ctx context.Context, db *sql.DB, lockWait time.Duration) (*sql.Conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, c, lockWait); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// open returns a pool and one prepared connection to the server, and takes note of its kind.
// The caller closes both, the connection first.
func (d *dumper) open(ctx context.Context) (*sql.DB, *sql.Conn, error) {
	db, err := rowread.Open(ctx, d.target, "")
	if err != nil {
		return nil, nil, err
	}
	c, err := connect(ctx, db, d.opts.LockWait)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	if d.maria, err = schema.IsMariaDB(ctx, c); err != nil {
		c.Close()
		db.Close()
		return nil, nil, err
	}
	return db, c, nil
}

func prepare(ctx context.Context, c *sql.Conn, lockWait time.Duration) error {
	if err := checksum.Session(ctx, c); err != nil {
		return err
	}
	for _, s := range append([]string{fmt.Sprintf("lock_wait_timeout = %d", lockSeconds(lockWait))}, settings...) {
		if _, err := c.ExecContext(ctx, "SET SESSION "+s); err != nil && mysql.Number(err) != errUnknownVariable {
			return fmt.Errorf("set session %s: %w", s, err)
		}
	}
	return nil
}

func execute(ctx context.Context, c *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", firstWords(s), err)
		}
	}
	return nil
}

// firstWords shortens a statement for an error.
func firstWords(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return strings.ToLower(s)
}

// denied reports whether the server refused for lack of a privilege.
func denied(err error) bool {
	switch mysql.Number(err) {
	case 1044, 1045, 1142, 1143, 1227, 1370, 1419:
		return true
	}
	return false
}

// unknown reports whether the server does not know the statement.
func unknown(err error) bool {
	switch mysql.Number(err) {
	case 1054, 1064, 1193, 1109, 1146, 1235:
		return true
	}
	return false
}

func one(ctx context.Context, c schema.Querier, query string, args ...any) (string, error) {
	return schema.One(ctx, c, query, args...)
}
