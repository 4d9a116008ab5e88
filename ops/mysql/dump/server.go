package dump

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// describeServer identifies the server of the backup.
func describeServer(ctx context.Context, c *sql.Conn, maria bool) (backup.Server, error) {
	rows, err := schema.All(
		ctx,
		c,
		`SELECT VERSION(), @@GLOBAL.character_set_server, @@GLOBAL.collation_server, @@GLOBAL.sql_mode,
		IF(@@GLOBAL.time_zone = 'SYSTEM', CONCAT('SYSTEM (', @@GLOBAL.system_time_zone, ')'), @@GLOBAL.time_zone)`,
	)
	if err != nil || len(rows) == 0 {
		return backup.Server{}, fmt.Errorf("ask the server for its settings: %w", err)
	}
	r := rows[0]
	s := backup.Server{Flavour: "mysql", Version: r[0], Charset: r[1], Collation: r[2], SQLMode: r[3], TimeZone: r[4]}
	if maria {
		s.Flavour = "mariadb"
	}
	s.Identity, _ = schema.Identity(ctx, c) // a server that does not say it has none
	return s, nil
}

// machine is the name of this machine.
func machine() string {
	name, _ := os.Hostname()
	return name
}
