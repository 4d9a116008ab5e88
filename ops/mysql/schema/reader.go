package schema

import (
	"context"
	"database/sql"
)

// Reader reads how tables are defined now.
type Reader struct{ db *sql.DB }

// NewReader reads over db, which it takes over.
func NewReader(db *sql.DB) *Reader { return &Reader{db} }

// Table is a table as it is today. Without a server, with a nil Reader, the error is
// sql.ErrConnDone.
func (r *Reader) Table(ctx context.Context, database, name string) (*Table, error) {
	if r == nil {
		return nil, sql.ErrConnDone
	}
	found, err := Tables(ctx, r.db, database, name)
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Close ends the connections.
func (r *Reader) Close() {
	if r != nil {
		r.db.Close()
	}
}
