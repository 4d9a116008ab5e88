package swap

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// differ finds the rows of live tables that a backup does not have, or that are newer than
// a given time.
type differ struct {
	*link
	loader Loader
}

// ahead reads a dump that is one stream once for all tables. If there is not enough time,
// the comparison of each table notices.
func (r *differ) ahead(ctx context.Context, cmp *compare, list []*schema.Table, src restore.Source) {
	if cmp == nil || src.Indexed {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if err := cmp.ahead(bounded, list); err != nil {
		cmp.unread = err
	}
}

// describe reads the columns and keys of all tables and omits those that cannot be read.
func (r *differ) describe(ctx context.Context, in string) map[string]*schema.Table {
	out := map[string]*schema.Table{}
	db, err := r.db(ctx)
	if err != nil {
		return out
	}
	list, err := schema.Tables(ctx, db, in)
	if err != nil {
		return out
	}
	for _, t := range list {
		out[t.Name] = t
	}
	return out
}

// exactly compares the rows themselves with the backup; ok is false if they cannot be
// compared.
func (r *differ) exactly(
	ctx context.Context,
	cmp *compare,
	t *schema.Table,
	src restore.Source,
	sink rowSink,
) (restore.LossTable, bool) {
	out := restore.LossTable{Table: t.Name, How: "rows"}
	stored, _ := src.Table(t.Name)
	if same, err := r.same(ctx, t, stored); same && err == nil {
		return out, true
	}
	if cmp == nil || cmp.unread != nil {
		return out, false
	}
	f, err := cmp.table(ctx, t, sink)
	if err != nil {
		return out, false
	}
	out.Newer = f.newer
	out.Changed = f.changed
	out.Deleted = f.gone
	out.Blind = f.partly
	out.Vanishes = f.absent && !src.Manifest
	return out, true
}

// byAge uses time columns, or a growing key, to find new rows. Finding none does not prove
// that there are none: ok is false then.
func (r *differ) byAge(
	ctx context.Context,
	t *schema.Table,
	stored restore.SourceTable,
	since time.Time,
) (restore.LossTable, bool) {
	out := restore.LossTable{Table: t.Name}
	n, err := r.newer(ctx, t, stored, since)
	if err != nil || n.how == "" {
		return out, false
	}
	if err := n.count(ctx, r, &out); err != nil || out.Newer+out.Changed == 0 {
		return out, false
	}
	out.Estimate, out.Blind = true, true
	return out, true
}

// zone is the offset of the server's local time from UTC.
func (r *differ) zone(ctx context.Context, db *sql.DB) time.Duration {
	text, err := schema.One(ctx, db, "SELECT ROUND(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()) / 60)")
	if err != nil {
		return 0
	}
	minutes, _ := strconv.Atoi(text)
	return time.Duration(minutes) * time.Minute
}
