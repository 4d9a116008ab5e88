package dump

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/schema"
)

// define adds a member with definitions, after a trial of what a load says of them. An
// object that a load refuses stays in the file, for another client can load it, and the
// manifest names it. A table that a load refuses is an error, or named too if allowed.
func (d *dumper) define(m backup.Member, text []byte) error {
	if d.opts.Refuses == nil {
		return d.file.add(m, text)
	}
	why := d.opts.Refuses(m, text)
	switch {
	case why == "":
	case m.Kind == backup.MemberTable && !d.opts.Broken:
		return ops.E(ops.Failed, lang.M("opsdeck could not load the table %s from a backup: %s",
			schema.Name(m.Database, m.Object), why)).
			WithHint(lang.M("back it up all the same, with a warning: --skip-broken; or exclude it with --tables"))
	case m.Kind == backup.MemberTable:
		d.unable["table "+schema.Name(m.Database, m.Object)] = why
	case m.Kind == backup.MemberObject:
		kind := strings.TrimSuffix(m.ObjectKind, "-placeholder")
		d.unable[kind+" "+schema.Name(m.Database, m.Object)] = why
	default:
		return ops.E(ops.Failed, lang.M("opsdeck could not load this backup: %s", why))
	}
	return d.file.add(m, text)
}

// orphans finds the routines of a database that use a library of MySQL 9 which is not
// there: the server lets it be dropped, and then refuses to create the routine.
func (d *dumper) orphans(ctx context.Context, q *sql.Conn, database string) error {
	rows, err := schema.All(ctx, q, `SELECT LOWER(u.ROUTINE_TYPE), u.ROUTINE_NAME, u.LIBRARY_SCHEMA, u.LIBRARY_NAME
		FROM information_schema.ROUTINE_LIBRARIES u LEFT JOIN information_schema.LIBRARIES l
		ON l.LIBRARY_SCHEMA = u.LIBRARY_SCHEMA AND l.LIBRARY_NAME = u.LIBRARY_NAME
		WHERE u.ROUTINE_SCHEMA = ? AND l.LIBRARY_NAME IS NULL`, database)
	if unknown(err) {
		return nil // the server has no libraries
	}
	if err != nil {
		return fmt.Errorf("list the libraries of routines in %s: %w", database, err)
	}
	for _, r := range rows {
		d.unable[r[0]+" "+schema.Name(d.named(database), r[1])] =
			"the library " + schema.Name(r[2], r[3]) + " that it uses does not exist"
	}
	return nil
}
