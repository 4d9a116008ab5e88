package site

import (
	"context"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/swap"
	"opsdeck/ops/restore"
)

// sameWait is how long a server gets to say which one it is.
const sameWait = 5 * time.Second

// SameDatabase tells whether a restore's target is a service's database, or a schema made
// beside it. Two servers may have databases of one name, and one server may have two
// addresses: where the addresses differ, the server says which one it is. One that cannot
// say it counts as the same.
func SameDatabase(ctx context.Context, d config.Database, t restore.Target) bool {
	if d.Name == "" || t.Database != d.Name && t.Live != d.Name {
		return false
	}
	at, err := mysql.Resolve(d)
	if err != nil || at.Server() == t.Address || t.Identity == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, sameWait)
	defer cancel()
	server := swap.New(swap.Settings{Target: at})
	defer server.Close()
	id, err := server.Facts.Identity(ctx)
	return err != nil || id == t.Identity
}
