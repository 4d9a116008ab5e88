package swap

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// rebind makes the defaults of the swapped tables use the live database's sequences.
// MariaDB stores the database name in a DEFAULT nextval(…): after the swap such a default
// still names the database that the table was loaded into, which will be dropped.
func (s *objects) rebind(ctx context.Context, c *sql.Conn, from, to string) error {
	if !s.mariadb {
		return nil
	}
	rows, err := schema.All(
		ctx,
		c,
		"SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT FROM information_schema.COLUMNS "+
			"WHERE TABLE_SCHEMA = ? AND INSTR(COLUMN_DEFAULT, ?) > 0",
		to,
		restore.Name(from)+".",
	)
	if err != nil {
		return fmt.Errorf("look for defaults that name %s: %w", from, err)
	}
	for _, r := range rows {
		value := strings.ReplaceAll(r[2], restore.Name(from)+".", restore.Name(to)+".")
		_, err := c.ExecContext(
			ctx,
			"ALTER TABLE "+restore.Name(to, r[0])+" ALTER COLUMN "+schema.Ident(r[1])+" SET DEFAULT ("+value+")",
		)
		if err != nil {
			return fmt.Errorf("set the default of %s.%s: %w", r[0], r[1], err)
		}
	}
	return nil
}
