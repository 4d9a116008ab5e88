package mysql

import (
	"context"
	"database/sql"
	"opsdeck/internal/config"
)

// Conn is a connection that stays the same for all statements of a piece of work.
type Conn = sql.Conn

// OnConn calls do with a connection to the configured database.
func OnConn(ctx context.Context, db config.Database, do func(*Conn) error) error {
	target, err := Resolve(db)
	if err != nil {
		return err
	}
	pool, err := Open(ctx, target, db.Name)
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return Explain(err, target)
	}
	defer conn.Close()
	return do(conn)
}
