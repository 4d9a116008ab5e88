package load

import (
	"context"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/schema"
)

// KeyCheck says what is known about a copy before its foreign keys are checked.
type KeyCheck struct {
	Schema   string
	Faithful bool // its rows equal the backup's: rows without a parent had none there either
	Some     bool // only some tables were loaded: a parent may be missing
	Tell     func(table string, done, total int)
}

// noSuchTable is MySQL's ER_NO_SUCH_TABLE.
const noSuchTable = 1146

// CheckForeignKeys finds rows of a loaded copy whose parent rows are missing: the copy
// was loaded with the checks off. Faults make the copy bad, remarks do not. Drill and
// restore both use it.
func CheckForeignKeys(ctx context.Context, q schema.Querier, c KeyCheck) (faults, remarks []lang.Msg, err error) {
	keys, err := schema.ForeignKeys(ctx, q, c.Schema)
	if err != nil {
		return nil, nil, err
	}
	for i, k := range keys {
		if k.Database != c.Schema || k.ParentDatabase != c.Schema {
			continue
		}
		if c.Tell != nil {
			c.Tell(k.Table, i, len(keys))
		}
		found, err := dangling(ctx, q, k, c.Some)
		switch {
		case err != nil:
			return nil, nil, err
		case found.Empty():
		case c.Faithful:
			remarks = append(remarks, lang.M("%s, as in the backup", found))
		default:
			faults = append(faults, found)
		}
	}
	return faults, remarks, nil
}

// dangling describes the rows of one key that have no parent; empty when there are none.
func dangling(ctx context.Context, q schema.Querier, k schema.ForeignKey, some bool) (lang.Msg, error) {
	n, err := k.Orphans(ctx, q)
	switch {
	case ctx.Err() != nil:
		return lang.Msg{}, ctx.Err()
	case mysql.Lost(err):
		return lang.Msg{}, err
	case mysql.Number(err) == noSuchTable && some:
		return lang.Msg{}, nil
	case mysql.Number(err) == noSuchTable:
		return lang.M("the foreign key %s of %s refers to a table that is missing: %s", k.Name, k.Table, k.Parent), nil
	case err != nil:
		return lang.M("the foreign key %s of %s cannot be checked: %s", k.Name, k.Table, err.Error()), nil
	case n == 0:
		return lang.Msg{}, nil
	}
	return lang.M(
		"%s has %s rows without a matching row in %s (foreign key %s)",
		k.Table,
		human.Count(n),
		k.Parent,
		k.Name,
	), nil
}
