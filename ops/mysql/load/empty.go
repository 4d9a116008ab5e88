package load

import (
	"context"
	"database/sql"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

const errIllegalHandler = 1031 // ER_ILLEGAL_HA: the engine cannot do that

// empty deletes all rows of a table of the current schema. ARCHIVE does not support
// deletes: such a table is created again, and the transaction is restarted.
func empty(ctx context.Context, c *sql.Conn, name string) error {
	err := exec(ctx, c, "DELETE FROM "+schema.Ident(name))
	if mysql.Number(err) != errIllegalHandler {
		return err
	}
	rows, err := schema.All(ctx, c, "SELECT 1 FROM "+schema.Ident(name)+" LIMIT 1")
	if err != nil || len(rows) == 0 {
		return err
	}
	made, err := schema.All(ctx, c, "SHOW CREATE TABLE "+schema.Ident(name))
	if err != nil {
		return err
	}
	return define(ctx, c, "DROP TABLE "+schema.Ident(name), made[0][1], "START TRANSACTION")
}
