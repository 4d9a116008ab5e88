package auditlog

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// Beside tells, before rows of the table are deleted, what would happen to other tables. A
// foreign key whose rows refer to the table is an error: they would be deleted or changed
// without an archive, or stop the deletion halfway. triggers are those that would run for
// each deleted row.
func (y *Years) Beside(ctx context.Context) (triggers []string, err error) {
	o := y.src.r.opt
	db, err := mysql.Open(ctx, o.Target, o.Schema)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	keys, err := schema.ForeignKeys(ctx, db, o.Schema)
	if err != nil {
		return nil, y.src.lane.explain(err)
	}
	hidden, all, err := schema.HiddenKeys(ctx, db, o.Schema)
	if err != nil {
		return nil, y.src.lane.explain(err)
	}
	if !all {
		return nil, ops.E(ops.Failed, lang.M("this user cannot see whether tables of other databases refer to %s by "+
			"foreign keys; nothing was deleted", o.Schema+"."+o.Table)).
			WithHint(lang.M("archive without --delete, or use an account that has PROCESS"))
	}
	keys = append(keys, hidden...)
	var users []string
	for _, k := range keys {
		if k.ParentDatabase != o.Schema || !strings.EqualFold(k.Parent, o.Table) || !refers(ctx, db, k) {
			continue
		}
		if name := k.Database + "." + k.Table; !slices.Contains(users, name) {
			users = append(users, name)
		}
	}
	if len(users) > 0 {
		return nil, ops.E(ops.Failed,
			lang.M("rows of other tables refer to %s by foreign keys: %s; nothing was deleted",
				o.Schema+"."+o.Table, strings.Join(users, ", "))).
			WithHint(lang.M("archive without --delete; or remove those rows or their foreign keys first: deletion " +
				"would delete or change them without an archive, or fail"))
	}
	found, err := schema.All(ctx, db, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE "+
		"EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ? AND EVENT_MANIPULATION = 'DELETE' ORDER BY 1", o.Schema,
		o.Table)
	if err != nil {
		return nil, y.src.lane.explain(err)
	}
	for _, r := range found {
		triggers = append(triggers, r[0])
	}
	return triggers, nil
}

// refers tells whether rows refer by a foreign key; where that cannot be read, they may.
func refers(ctx context.Context, db *sql.DB, k schema.ForeignKey) bool {
	rows, err := schema.All(ctx, db, "SELECT 1 FROM "+schema.Name(k.Database, k.Table)+" WHERE "+
		schema.Ident(k.Columns[0])+" IS NOT NULL LIMIT 1")
	return err != nil || len(rows) > 0
}
