package swap

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Settle reverts an unfinished swap and keeps what was loaded.
func (e *Exchange) Settle(ctx context.Context, p *restore.Plan, f run.Folder) ([]restore.Note, error) {
	e.checks.forget()
	c, err := e.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := e.sessions.alone(ctx, c, p, f); err != nil {
		return nil, err
	}
	if err := e.settle(ctx, c, p, f); err != nil {
		return nil, err
	}
	return []restore.Note{
		restore.N(lang.M("the loaded data is kept in %s", p.Shadow)),
		restore.N(lang.M("resume it: opsdeck restore resume %s", p.ID)),
		restore.N(lang.M("remove it: opsdeck restore drop-old %s", p.ID)),
	}, nil
}

// settle brings the live database to its state before the swap: the old tables, if the
// RENAME was done, their triggers, and no database if there was none.
func (e *Exchange) settle(ctx context.Context, c *sql.Conn, p *restore.Plan, f run.Folder) error {
	r, err := readRecord(f)
	if err != nil || r == nil || r.Settled {
		return err
	}
	exchanged, err := e.exchanged(ctx, c, p, r)
	if err != nil {
		return err
	}
	if exchanged {
		if _, err := e.swapBack(ctx, c, p, f, r); err != nil {
			return fmt.Errorf("revert the swap: %w", err)
		}
	} else if err := e.putBoth(ctx, p, r); err != nil {
		return err
	}
	if err := e.objects.dropEmpty(ctx, c, p.Kept); err != nil {
		return err
	}
	if r.Absent {
		if err := e.objects.dropBare(ctx, c, p.Target.Live); err != nil {
			return err
		}
	}
	r.Settled = true
	r.Back = false
	r.Since = nil
	return r.save(f)
}

// exchanged reports whether the RENAME was done: it moves all tables or none.
func (e *Exchange) exchanged(ctx context.Context, c *sql.Conn, p *restore.Plan, r *record) (bool, error) {
	kept, err := tables(ctx, c, p.Kept)
	if err != nil || len(kept) > 0 {
		return len(kept) > 0, err
	}
	shadow, err := tables(ctx, c, p.Shadow)
	return len(only(r.Coming.Tables, shadow)) == 0 && len(r.Coming.Tables) > 0, err
}

// allVersions makes a query include the old row versions of a system-versioned table.
const allVersions = " FOR SYSTEM_TIME ALL"

// formerVersions finds an old row version in a table without current rows; none if the
// table is not versioned, for which a server refuses the query.
func formerVersions(ctx context.Context, q schema.Querier, in, table string) [][]string {
	rows, err := schema.All(ctx, q, "SELECT 1 FROM "+restore.Name(in, table)+allVersions+" LIMIT 1")
	if err != nil {
		return nil
	}
	return rows
}

// touch reads one row of a table, or an old version of one if it is versioned.
func touch(ctx context.Context, q schema.Querier, in, table string) (state string, err error) {
	rows, err := schema.All(ctx, q, "SELECT 1 FROM "+restore.Name(in, table)+" LIMIT 1")
	if err == nil && len(rows) == 0 {
		rows = formerVersions(ctx, q, in, table)
	}
	switch {
	case err != nil && (mysql.Lost(err) || ctx.Err() != nil):
		return "", fmt.Errorf("look at %s: %w", table, err)
	case err != nil:
		return "unreadable", nil
	case len(rows) == 0:
		return "empty", nil
	}
	return "rows", nil
}
