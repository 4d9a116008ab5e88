package replay

import (
	"context"
	"slices"
	"strings"

	"opsdeck/ops/mysql/schema"
)

// keyed is what a replay that joins changes by their rows knows of a table: its keys, by
// column numbers in ascending order. Without a usable primary key, changes are not joined.
type keyed struct {
	primary  []int
	unique   []int // the columns of other unique keys
	watched  []int // the columns of all of these and of the other lists
	parent   []int // columns whose change foreign keys pass on to other tables
	cascades bool  // foreign keys pass changes of the table on
	divides  bool  // rows may be written by several sessions at once
	counter  int   // the AUTO_INCREMENT column; -1 if there is none
	unsigned []bool
	table    *schema.Table
}

// usable reports whether changes can be joined by the primary key.
func (k *keyed) usable() bool { return len(k.primary) > 0 }

// keyring is what is known of the tables of a database, until a definition changes them.
type keyring struct {
	in      string
	tables  map[string]*keyed
	parents []schema.ForeignKey // those that pass changes on
}

// of reads what is missing for the tables of some events.
func (k *keyring) of(ctx context.Context, q schema.Querier, events []event) (map[string]*keyed, error) {
	var names []string
	for _, e := range events {
		if _, known := k.tables[e.table]; !known && !slices.Contains(names, e.table) {
			names = append(names, e.table)
		}
	}
	if len(names) == 0 {
		return k.tables, nil
	}
	if k.tables == nil {
		k.tables = map[string]*keyed{}
		var err error
		if k.parents, err = passedOn(ctx, q, k.in); err != nil {
			return nil, err
		}
	}
	return k.tables, k.read(ctx, q, names)
}

// forget drops what is known.
func (k *keyring) forget() { k.tables = nil }

// read reads tables. Of one that is not there is known that nothing is joined.
func (k *keyring) read(ctx context.Context, q schema.Querier, names []string) error {
	for _, name := range names {
		k.tables[name] = nil
		found, err := schema.Tables(ctx, q, k.in, name)
		if err != nil {
			return err
		}
		one := &keyed{table: found[0], counter: -1}
		for _, c := range one.table.Columns {
			one.unsigned = append(one.unsigned, strings.Contains(strings.ToLower(c.Type), "unsigned"))
		}
		if err := one.readCounter(ctx, q); err != nil {
			return err
		}
		if err := one.readKeys(ctx, q); err != nil {
			return err
		}
		one.isParent(k.parents)
		one.finish()
		k.tables[name] = one
	}
	return nil
}

// column is the number of a column; -1 if the table has none of the name.
func (k *keyed) column(name string) int {
	return slices.IndexFunc(k.table.Columns, func(c schema.Column) bool { return c.Name == name })
}

// readCounter reads the AUTO_INCREMENT column.
func (k *keyed) readCounter(ctx context.Context, q schema.Querier) error {
	rows, err := schema.All(ctx, q, "SELECT COLUMN_NAME FROM information_schema.COLUMNS "+
		"WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND EXTRA LIKE '%auto_increment%'", k.table.Database, k.table.Name)
	for _, r := range rows {
		k.counter = k.column(r[0])
	}
	return err
}

// readKeys reads the unique keys.
func (k *keyed) readKeys(ctx context.Context, q schema.Querier) error {
	rows, err := schema.All(ctx, q, "SELECT INDEX_NAME, COALESCE(COLUMN_NAME, ''), COALESCE(SUB_PART, '') "+
		"FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 "+
		"ORDER BY INDEX_NAME, SEQ_IN_INDEX", k.table.Database, k.table.Name)
	if err != nil {
		return err
	}
	broken := false
	for _, r := range rows {
		at := k.column(r[1])
		derived := at < 0 || k.table.Columns[at].Generated
		switch {
		case r[0] == "PRIMARY" && (derived || r[2] != ""):
			broken = true
		case r[0] == "PRIMARY":
			k.primary = append(k.primary, at)
		case derived: // it depends on any column
			k.unique = k.every()
		default:
			k.unique = append(k.unique, at)
		}
	}
	if broken {
		k.primary = nil
	}
	return nil
}

// every is all columns.
func (k *keyed) every() (all []int) {
	for i := range k.table.Columns {
		all = append(all, i)
	}
	return all
}

// passedOn are the foreign keys in a database that pass changes on.
func passedOn(ctx context.Context, q schema.Querier, in string) (parents []schema.ForeignKey, err error) {
	rules, err := schema.All(ctx, q, "SELECT CONSTRAINT_NAME, TABLE_NAME, DELETE_RULE, UPDATE_RULE FROM "+
		"information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ?", in)
	if err != nil {
		return nil, err
	}
	passes := map[[2]string]bool{}
	for _, r := range rules {
		for _, rule := range r[2:] {
			if rule != "RESTRICT" && rule != "NO ACTION" {
				passes[[2]string{r[0], r[1]}] = true
			}
		}
	}
	keys, err := schema.ForeignKeys(ctx, q, in)
	for _, f := range keys {
		if passes[[2]string{f.Name, f.Table}] {
			parents = append(parents, f)
		}
	}
	return parents, err
}

// isParent notes the foreign keys that refer to the table.
func (k *keyed) isParent(parents []schema.ForeignKey) {
	for _, f := range parents {
		if f.Parent != k.table.Name {
			continue
		}
		k.cascades = true
		for _, ref := range f.Refs {
			k.parent = append(k.parent, k.column(ref))
		}
	}
}

// exactTypes are the types of which equal values are the same bytes.
var exactTypes = []string{"tinyint", "smallint", "mediumint", "int", "bigint", "varbinary",
	"binary"}

// finish sorts the columns and decides what can be done.
func (k *keyed) finish() {
	t := k.table
	if !t.Transactional() || t.Versioned || t.Sequence ||
		slices.ContainsFunc(t.Columns, func(c schema.Column) bool { return c.Period }) {
		k.primary = nil
	}
	if slices.Contains(k.parent, -1) {
		k.parent = k.every()
	}
	for _, list := range []*[]int{&k.primary, &k.unique, &k.parent} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	k.watched = slices.Concat(k.primary, k.unique, k.parent)
	if k.counter >= 0 {
		k.watched = append(k.watched, k.counter)
	}
	slices.Sort(k.watched)
	k.watched = slices.Compact(k.watched)
	k.divides = k.usable() && len(k.unique) == 0
	for _, i := range k.primary {
		k.divides = k.divides && slices.Contains(exactTypes, strings.ToLower(t.Columns[i].DataType))
	}
}
