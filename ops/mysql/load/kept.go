package load

import (
	"context"
	"strings"

	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// kept is a CREATE TRIGGER that waits until all rows are loaded, or a CREATE VIEW that
// waits for other views, with the settings that applied to it.
type kept struct {
	sql                          string
	mode, client, connection, db string
	drop                         string // run first; may be empty
}

func (st *stream) keep(ctx context.Context, v verdict) (kept, error) {
	rows, err := schema.All(
		ctx,
		st.conn,
		"SELECT @@SESSION.sql_mode, @@character_set_client, @@collation_connection, @@collation_database",
	)
	if err != nil {
		return kept{}, err
	}
	r := rows[0]
	k := kept{sql: string(v.sql), mode: r[0], client: r[1], connection: r[2], db: r[3]}
	if st.clear {
		k.drop = dropFor(v)
	}
	return k, nil
}

// unarm drops the triggers that an earlier attempt created: rows of a table without
// transactions are inserted again, and must not fire them.
func (st *stream) unarm(ctx context.Context, makes map[string]bool, j *journal) error {
	if !j.resumed {
		return nil
	}
	for _, object := range sorted(makes) {
		if name, ok := strings.CutPrefix(object, "trigger "); ok {
			if err := define(ctx, st.conn, "DROP TRIGGER IF EXISTS "+schema.Ident(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tooEarly tells whether a view failed because the views that it uses are still
// placeholders: mysqldump sorts views by name, not by dependency.
func tooEarly(err error) bool {
	switch mysql.Number(err) {
	case 1146, 1356, 1368, 1369, 1471, 1054:
		return true
	}
	return false
}

// makeKept creates the views that came too early, in rounds for as long as a round
// creates at least one, then the triggers in their order.
func (st *stream) makeKept(ctx context.Context) error {
	for len(st.views) > 0 {
		var left []kept
		var last error
		for _, k := range st.views {
			if err := st.make(ctx, k); err != nil {
				if !tooEarly(err) {
					return err
				}
				left = append(left, k)
				last = err
			}
		}
		if len(left) == len(st.views) {
			return last
		}
		st.views = left
	}
	for _, k := range st.later {
		if err := st.make(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (st *stream) make(ctx context.Context, k kept) error {
	own, err := schema.One(ctx, st.conn, "SELECT @@collation_database")
	if err != nil {
		return err
	}
	before := []string{
		"SET sql_mode = " + schema.String(k.mode),
		"SET character_set_client = " + k.client,
		"SET collation_connection = " + k.connection,
	}
	if k.drop != "" {
		before = append(before, k.drop)
	}
	alter := "ALTER DATABASE " + schema.Ident(st.s.o.Schema) + " COLLATE "
	if k.db != own {
		before = append(before, alter+k.db)
	}
	if err := define(ctx, st.conn, append(before, k.sql)...); err != nil {
		return err
	}
	if k.db != own {
		if err := define(ctx, st.conn, alter+own); err != nil {
			return err
		}
	}
	st.s.report.Objects++
	st.s.report.Statements++
	return nil
}
