package dump

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"opsdeck/ops/mysql"
)

// prepared are the XA transactions that are prepared now; none where this user may not
// list them.
func prepared(ctx context.Context, control *sql.Conn) []string {
	ids, err := mysql.PreparedXA(ctx, control)
	if err != nil {
		return nil
	}
	return ids
}

// warnPrepared warns of XA transactions that were prepared before the snapshot and still are
// after the dump: their rows are in no backup, and nobody may know of them.
func (d *dumper) warnPrepared(ctx context.Context, control *sql.Conn, before []string) {
	const end = "; end each with XA COMMIT or XA ROLLBACK, then make a new backup"
	var still []string
	if len(before) > 0 {
		now := prepared(ctx, control)
		still = slices.DeleteFunc(before, func(id string) bool { return !slices.Contains(now, id) })
	}
	if len(still) > 0 {
		d.notes = append(d.notes, "prepared XA transactions exist, and their rows are not in this backup: "+
			strings.Join(still, "; ")+end)
		return
	}
	if _, err := mysql.PreparedXA(ctx, control); err == nil {
		return
	}
	if n, err := mysql.DetachedXA(ctx, control); err == nil && n > 0 {
		d.notes = append(d.notes,
			"transactions without a session exist (XA RECOVER, as an administrator, lists them), "+
				"and their rows are not in this backup"+end)
	}
}
