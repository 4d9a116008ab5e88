package load

import (
	"context"
	"database/sql"
	"strconv"

	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// Left is how far an unfinished load of a backup got.
type Left struct {
	Begun bool             // its progress table is there
	Rows  map[string]int64 // rows of the committed members, by table
}

// Committed reads how far the load of a backup with these options got. A progress table of
// another load is not Begun.
func Committed(ctx context.Context, c *sql.Conn, m *backup.Manifest, o Options) (Left, error) {
	out := Left{Rows: map[string]int64{}}
	there, err := hasJournal(ctx, c, o.Schema)
	if err != nil || !there {
		return out, err
	}
	rows, err := schema.All(ctx, c, "SELECT kind, member, note FROM "+schema.Name(o.Schema, ProgressTable))
	if err != nil {
		return out, wrap("read the progress of the load", err)
	}
	if o.From == "" {
		o.From = m.Databases[0]
	}
	id := identity(o, m.SHA256, o.From)
	for _, r := range rows {
		if r[0] == doneIdentity {
			out.Begun = r[2] == id
		}
		n, err := strconv.Atoi(r[1])
		if err == nil && r[0] == doneRows && n >= 0 && n < len(m.Members) {
			out.Rows[m.Members[n].Object] += m.Members[n].Rows
		}
	}
	return out, nil
}
