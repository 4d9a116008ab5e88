package swap

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Empty tells which of the named tables of a schema hold no row, exactly: it looks for
// one row of each, one table after another. deadly are those that it did not look
// into, because the server ended when they were read before. When it ends now, the
// table is suspected, for somebody may have stopped it at that moment; when it ends
// again, the table is marked.
func (g *Damage) Empty(ctx context.Context, in string, names []string) (empty, deadly []string, err error) {
	db, err := g.db(ctx)
	if err != nil || len(names) == 0 {
		return nil, nil, err
	}
	if deadly, err = g.deadlyTables(ctx, in, names); err != nil {
		return nil, nil, err
	}
	g.marks.mu.Lock()
	defer g.marks.mu.Unlock()
	up, err := uptime(ctx, db)
	if err != nil {
		return nil, nil, mysql.Explain(err, g.Target)
	}
	begin := time.Now()
	server, err := g.facts.state(ctx, db)
	if err != nil {
		return nil, nil, mysql.Explain(err, g.Target)
	}
	created, err := creationTimes(ctx, db, in)
	if err != nil {
		return nil, nil, mysql.Explain(err, g.Target)
	}
	var unread error
	for _, name := range names {
		if has(deadly, name) {
			continue
		}
		state, err := touch(ctx, db, in, name)
		switch {
		case mysql.Lost(err) && ctx.Err() == nil:
			d := deadlyNow(server.Identity, in, name, created[name])
			d.Suspect = !slices.ContainsFunc(g.marks.list, d.is)
			return empty, deadly, g.afterLoss(ctx, db, d, up+time.Since(begin).Seconds(), err)
		case err != nil:
			return nil, nil, mysql.Explain(err, g.Target)
		case state == "unreadable": // one damaged table hides nothing of the others
			unread = ops.E(ops.Failed, lang.M("%s cannot be read", name))
		case state == "empty":
			empty = append(empty, name)
		}
	}
	return empty, deadly, unread
}

// creationTimes are the tables of a schema by when they were made.
func creationTimes(ctx context.Context, db *sql.DB, in string) (map[string]string, error) {
	rows, err := schema.All(
		ctx,
		db,
		"SELECT TABLE_NAME, CREATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?",
		in,
	)
	if err != nil {
		return nil, err
	}
	at := map[string]string{}
	for _, r := range rows {
		at[r[0]] = r[1]
	}
	return at, nil
}
