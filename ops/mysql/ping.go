package mysql

import (
	"context"
	"database/sql"
	"sync"
)

// Pinger asks a server for SELECT 1 over a connection that it keeps. It connects
// at the first call, and again after a failure.
type Pinger struct {
	Target   Target
	Database string

	mu sync.Mutex
	db *sql.DB
}

// Ping tells whether the server answers.
func (p *Pinger) Ping(ctx context.Context) error {
	db, err := p.pool(ctx)
	if err != nil {
		return err
	}
	var one int
	return db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

func (p *Pinger) pool(ctx context.Context) (*sql.DB, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db != nil {
		return p.db, nil
	}
	db, err := Open(ctx, p.Target, p.Database)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2)
	p.db = db
	return db, nil
}

// Close gives the connection back.
func (p *Pinger) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db == nil {
		return nil
	}
	return p.db.Close()
}
