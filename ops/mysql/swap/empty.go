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

// Empty tells exactly which of the named tables of a database hold no rows: it looks for
// one row in each, one table after the other. deadly are tables that it did not read,
// because reading them ended the server before. If the server ends now, the table is
// suspected, because the cause may be something else; if the server ends again, the table
// is marked.
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
		if slices.Contains(deadly, name) {
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
		case state == "unreadable": // one damaged table does not hide the others
			unread = ops.E(ops.Failed, lang.M("%s cannot be read", name))
		case state == "empty":
			empty = append(empty, name)
		}
	}
	return empty, deadly, unread
}

// creationTimes are a database's tables with their creation times.
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
