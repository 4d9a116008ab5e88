package replay

import (
	"context"
	"fmt"
	"slices"

	"opsdeck/ops/mysql/schema"
)

// cascades are the foreign keys that delete rows: deleting a row of the key's table deletes
// rows of these tables.
type cascades map[string][]string

// cascadesOf queries the server for the cascades within a database.
func cascadesOf(ctx context.Context, q schema.Querier, in string) (cascades, error) {
	keys, err := schema.All(ctx, q, "SELECT REFERENCED_TABLE_NAME, TABLE_NAME FROM "+
		"information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND DELETE_RULE = 'CASCADE'", in)
	all := cascades{}
	for _, k := range keys {
		all[k[0]] = append(all[k[0]], k[1])
	}
	return all, err
}

// below are the tables that lose rows when a table does.
func (c cascades) below(table string) (out []string) {
	todo := []string{table}
	seen := map[string]bool{table: true}
	for len(todo) > 0 {
		for _, t := range c[todo[0]] {
			if !seen[t] {
				seen[t] = true
				todo = append(todo, t)
				out = append(out, t)
			}
		}
		todo = todo[1:]
	}
	return out
}

// cascade records which tables may have lost rows by foreign keys in the group that ends.
// The log does not show those rows, so the count of the replay is at most an upper bound;
// the keys themselves may be gone at the end of the replay.
func cascade(r *runner) (err error) {
	if len(r.group.removed) == 0 {
		return nil
	}
	if r.cascades == nil {
		if r.cascades, err = cascadesOf(r.ctx, r.note, r.Schema); err != nil {
			return fmt.Errorf("read the foreign keys: %w", err)
		}
	}
	for _, parent := range r.group.removed {
		for _, t := range r.cascades.below(parent) {
			if !slices.Contains(r.state.Cascaded, t) {
				r.state.Cascaded = append(r.state.Cascaded, t)
			}
		}
	}
	return nil
}
