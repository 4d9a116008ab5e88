package swap

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Doomed describes what DropOld would drop now, and the tables of the live database.
func (k *Cleaning) Doomed(ctx context.Context, p *restore.Plan) (restore.Doomed, error) {
	c, err := k.conn(ctx, "", time.Duration(p.LockWait))
	if err != nil {
		return restore.Doomed{}, err
	}
	defer c.Close()
	out, err := doomed(ctx, c, p)
	for i := range out.Databases {
		out.Databases[i].Rows = rowsNow(ctx, c, out.Databases[i])
	}
	return out, err
}

// rowsNowLimit limits the count of the rows of a database to be dropped.
const rowsNowLimit = 20 * time.Second

// rowsNow counts the rows of a database to be dropped; -1 where that fails or takes too long.
func rowsNow(ctx context.Context, c *sql.Conn, b restore.DoomedDatabase) (sum int64) {
	ctx, cancel := context.WithTimeout(ctx, rowsNowLimit)
	defer cancel()
	for _, t := range b.Tables {
		text, err := schema.One(ctx, c, "SELECT COUNT(*) FROM "+restore.Name(b.Name, t))
		n, bad := strconv.ParseInt(text, 10, 64)
		if err != nil || bad != nil {
			return -1
		}
		sum += n
	}
	return sum
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
		b := restore.DoomedDatabase{Name: name, Tables: list, Rows: -1}
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
		if !slices.Contains(d.LiveTables, t) {
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
