package replay

import (
	"bytes"
	"context"
	"strings"

	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
)

// Touched is the set of tables in a database that a part of the log writes.
type Touched struct {
	Tables map[string]bool
	All    bool // a statement may have written to any table
}

// Holds reports whether a table may have been written.
func (t Touched) Holds(table string) bool { return t.All || t.Tables[table] }

// Written finds the tables of a database that the log writes, by any session, in the whole
// run. Changes made with sql_log_bin=0 are not logged.
func Written(ctx context.Context, run *changes.Run, in string) (t Touched, err error) {
	t.Tables = map[string]bool{}
	name := []byte(strings.ToLower(in))
	opens := func(binlog.Place, *format.Format) error { return nil }
	err = run.Each(ctx, run.From, opens, func(i *format.Item) error {
		switch i.What {
		case format.Change:
			if m := i.Rows.Map; strings.EqualFold(m.Schema, in) && m.Name != Table {
				t.Tables[m.Name] = true
			}
		case format.Statement:
			t.All = t.All || writes(i.Query, in, name)
		case format.Load, format.Incident:
			t.All = true
		}
		return nil
	})
	return t, err
}

// writes reports whether a statement may have written to a database: it was the default
// database, or is named. Our own replays' progress table does not count.
func writes(q *format.Query, in string, name []byte) bool {
	text := bytes.ReplaceAll(q.SQL, []byte(schema.Name(in, Table)), nil)
	return strings.EqualFold(q.Schema, in) || bytes.Contains(bytes.ToLower(text), name)
}
