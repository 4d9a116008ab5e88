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
		"SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT FROM information_schema.COLUMNS c "+
			"WHERE TABLE_SCHEMA = ? AND INSTR(COLUMN_DEFAULT, ?) > 0 AND EXISTS "+
			"(SELECT 1 FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = c.TABLE_SCHEMA "+
			"AND t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_TYPE <> 'VIEW') "+
			"ORDER BY TABLE_NAME, ORDINAL_POSITION",
		to,
		restore.Name(from)+".",
	)
	if err != nil {
		return fmt.Errorf("look for defaults that name %s: %w", from, err)
	}
	// All of a table in one statement: MariaDB opens every sequence that the other columns use.
	for len(rows) > 0 {
		table := rows[0][0]
		var sets []string
		for len(rows) > 0 && rows[0][0] == table {
			value := strings.ReplaceAll(rows[0][2], restore.Name(from)+".", restore.Name(to)+".")
			sets = append(sets, "ALTER COLUMN "+schema.Ident(rows[0][1])+" SET DEFAULT ("+value+")")
			rows = rows[1:]
		}
		_, err := c.ExecContext(ctx, "ALTER TABLE "+restore.Name(to, table)+" "+strings.Join(sets, ", "))
		if err != nil {
			return fmt.Errorf("set the defaults of %s: %w", table, err)
		}
	}
	return nil
}
