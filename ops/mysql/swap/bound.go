package swap

import (
	"context"
	"database/sql"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// same refuses a server that is not the one of the bound plan. One that holds what the
// restore made there is: a container has another host name after it was recreated.
func (l *link) same(ctx context.Context, db *sql.DB) error {
	p := l.bound
	if p == nil || p.Target.Identity == "" {
		return nil
	}
	now, err := schema.Identity(ctx, db)
	if err != nil || now == p.Target.Identity {
		return err
	}
	if made, err := holdsMade(ctx, db, p); made || err != nil {
		return err
	}
	hint := lang.M("connect to that server again; or restore here: opsdeck restore")
	if p.Emergency != "" {
		hint = lang.M("connect to that server again; or restore here: opsdeck restore; the state before restore %s "+
			"is in %s",
			p.ID, p.Emergency)
	}
	return ops.E(ops.Failed,
		lang.M("the restore %s was made on the server %s (%s); the configuration now leads to another "+
			"one: %s (%s)", p.ID, p.Target.Address, p.Target.Identity, l.Target.Server(), now)).WithHint(hint)
}

// holdsMade reports whether a server has a database that only this restore makes, or the
// progress of its load in place.
func holdsMade(ctx context.Context, q schema.Querier, p *restore.Plan) (bool, error) {
	n, err := schema.One(ctx, q,
		"SELECT (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (?, ?)) + "+
			"(SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?)",
		p.Shadow, p.Kept, p.Target.Database, load.ProgressTable)
	return n != "0", err
}
