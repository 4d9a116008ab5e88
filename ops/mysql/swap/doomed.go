package swap

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"opsdeck/ops/restore"
)

// Doomed describes what DropOld would drop now, and the tables of the live database.
func (k *Cleaning) Doomed(ctx context.Context, p *restore.Plan) (restore.Doomed, error) {
	c, err := k.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return restore.Doomed{}, err
	}
	defer c.Close()
	return doomed(ctx, c, p)
}

// doomed returns only databases with names made from the run's own id, and the standby
// that the run used.
func doomed(ctx context.Context, c *sql.Conn, p *restore.Plan) (restore.Doomed, error) {
	out := restore.Doomed{Live: p.Target.Live}
	var err error
	if out.LiveTables, err = tables(ctx, c, p.Target.Live); err != nil {
		return out, err
	}
	mark := strings.ReplaceAll(p.ID, "-", "_")
	for _, name := range []string{p.Kept, p.Shadow} {
		own := strings.HasSuffix(name, mark) || p.Standby() != nil && name == p.Standby().Schema
		if name == "" || !own {
			continue
		}
		there, err := exists(ctx, c, name)
		if err != nil {
			return out, err
		}
		if !there {
			continue
		}
		list, err := tables(ctx, c, name)
		if err != nil {
			return out, err
		}
		b := restore.DoomedDatabase{Name: name, Tables: list}
		if b.Emptied, err = emptied(ctx, c, out, b); err != nil {
			return out, err
		}
		out.Databases = append(out.Databases, b)
	}
	return out, nil
}

// emptied are the tables with rows in a database to be dropped whose live counterparts
// have no readable rows. A table that cannot be read counts as one with rows.
func emptied(ctx context.Context, c *sql.Conn, d restore.Doomed, b restore.DoomedDatabase) (out []string, err error) {
	for _, t := range b.Tables {
		if !has(d.LiveTables, t) {
			continue
		}
		live, err := touch(ctx, c, d.Live, t)
		if err != nil {
			return nil, err
		}
		if live == "rows" {
			continue
		}
		old, err := touch(ctx, c, b.Name, t)
		if err != nil {
			return nil, err
		}
		if old != "empty" {
			out = append(out, t)
		}
	}
	return out, nil
}
