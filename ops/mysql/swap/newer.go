package swap

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// Common names of columns with a row's creation or last change time, most reliable first.
var (
	createdColumns = []string{"created_at", "createdat", "create_time", "created", "created_on", "gmt_create"}
	updatedColumns = []string{"updated_at", "updatedat", "update_time", "modified_at", "gmt_modified"}
)

// newer tells which rows of a table are newer than a given time: as conditions, or as a
// number of rows at the end of its key.
type newer struct {
	t       *schema.Table
	how     string // the column that tells, "auto_increment", or empty: nothing does
	created string // condition for rows created since
	changed string // condition for older rows changed since
	tail    int64  // number of newest rows by key
}

// newer finds out what shows the age of a table's rows: a column with the creation time,
// one with the time of the last change, or a key that only grows, compared with the end of
// the backup's last chunk.
func (r *differ) newer(
	ctx context.Context,
	t *schema.Table,
	stored restore.SourceTable,
	since time.Time,
) (newer, error) {
	n := newer{t: t}
	if since.IsZero() {
		return n, nil
	}
	made, err := r.later(ctx, t, createdColumns, since)
	if err != nil {
		return n, err
	}
	touched, err := r.later(ctx, t, updatedColumns, since)
	if err != nil {
		return n, err
	}
	switch {
	case made.column != "":
		n.how, n.created = made.column, made.condition
		if touched.column != "" {
			n.changed = touched.condition + " AND NOT COALESCE(" + made.condition + ", FALSE)"
		}
	case len(t.Key) == 1 && stored.Ends() && number(stored.LastKey) && t.Column(t.Key[0]) != nil &&
		t.Column(t.Key[0]).Form == schema.FormNumber:
		n.how = "auto_increment"
		if n.tail, err = r.tail(ctx, t, stored); err == nil && touched.column != "" {
			n.changed = touched.condition
		}
	case touched.column != "":
		n.how, n.created = touched.column, touched.condition
	}
	return n, err
}

// number reports whether a chunk's bound is a number; the manifest is external text.
func number(key string) bool {
	_, err := strconv.ParseInt(key, 10, 64)
	return key == "" || err == nil
}

// tail is the number of rows after the backup's last key.
func (r *differ) tail(ctx context.Context, t *schema.Table, stored restore.SourceTable) (int64, error) {
	where := ""
	if stored.LastKey != "" {
		where = " WHERE " + schema.Ident(t.Key[0]) + " >= " + stored.LastKey
	}
	n, err := r.utc(ctx, "SELECT COUNT(*) FROM "+t.SQLName()+where)
	return max(0, n-stored.LastRows), err
}

type laterThan struct{ column, condition string }

// later is the condition on a time column with one of the names. TIMESTAMP is compared in
// UTC, DATETIME in the server's time zone.
func (r *differ) later(
	ctx context.Context,
	t *schema.Table,
	names []string,
	since time.Time,
) (out laterThan, err error) {
	for _, want := range names {
		for _, c := range t.Columns {
			if strings.ToLower(c.Name) != want || c.DataType != "timestamp" && c.DataType != "datetime" {
				continue
			}
			at := since.UTC()
			if c.DataType == "datetime" {
				db, err := r.db(ctx)
				if err != nil {
					return out, err
				}
				at = at.Add(r.zone(ctx, db))
			}
			return laterThan{
				c.Name,
				schema.Ident(c.Name) + " > " + schema.String(at.Format("2006-01-02 15:04:05.000000")),
			}, nil
		}
	}
	return out, nil
}

// count counts the rows that match the conditions.
func (n newer) count(ctx context.Context, s *differ, out *restore.LossTable) (err error) {
	out.How, out.Newer = n.how, n.tail
	if n.created != "" {
		if out.Newer, err = s.utc(ctx, "SELECT COUNT(*) FROM "+n.t.SQLName()+" WHERE "+n.created); err != nil {
			return err
		}
	}
	if n.changed != "" {
		out.Changed, err = s.utc(ctx, "SELECT COUNT(*) FROM "+n.t.SQLName()+" WHERE "+n.changed)
	}
	if n.tail > 0 {
		out.Changed = max(0, out.Changed-n.tail) // new rows have a time of change too
	}
	return err
}

// newRows and changedRows are the part after SELECT … for the rows to export; empty if
// there are none.
func (n newer) newRows() string {
	switch {
	case n.created != "":
		return "FROM " + n.t.SQLName() + " WHERE " + n.created
	case n.tail > 0:
		return fmt.Sprintf("FROM %s ORDER BY %s DESC LIMIT %d", n.t.SQLName(), schema.Ident(n.t.Key[0]), n.tail)
	}
	return ""
}

func (n newer) changedRows() string {
	if n.changed == "" {
		return ""
	}
	return "FROM " + n.t.SQLName() + " WHERE " + n.changed
}

// utc runs a query for one number in a session in UTC.
func (r *differ) utc(ctx context.Context, query string) (int64, error) {
	c, err := r.reader(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	text, err := schema.One(ctx, c, query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// reader is a connection that renders values in canonical form.
func (r *differ) reader(ctx context.Context) (*sql.Conn, error) {
	c, err := r.conn(ctx, "", time.Second)
	if err != nil {
		return nil, err
	}
	if err := checksum.Session(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
