package schema

import (
	"context"
	"database/sql"
)

// Executor is what reads and changes: a *sql.Conn or *sql.DB.
type Executor interface {
	Querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
