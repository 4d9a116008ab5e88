package rescue

import (
	"context"
	"slices"

	"opsdeck/ops/mysql/schema"
)

// ring are the tables, in order of name, that refer to one another by foreign keys and of whose
// keys a constraint of the merged table is one; nil if it is in no circle, or that cannot be read.
func (s *Session) ring(ctx context.Context, constraint string) []string {
	keys, err := schema.ForeignKeys(ctx, s.conn, s.Live)
	if err != nil {
		return nil
	}
	keys = slices.DeleteFunc(keys, func(k schema.ForeignKey) bool {
		return k.Database != s.Live || k.ParentDatabase != s.Live
	})
	i := slices.IndexFunc(keys, func(k schema.ForeignKey) bool {
		return k.Table == s.live.Name && k.Name == constraint
	})
	if i < 0 || !slices.Contains(above(keys, keys[i].Parent), s.live.Name) {
		return nil
	}
	ring := slices.DeleteFunc(above(keys, s.live.Name), func(table string) bool {
		return !slices.Contains(above(keys, table), s.live.Name)
	})
	slices.Sort(ring)
	return ring
}

// above are a table and all tables that it refers to, also over others.
func above(keys []schema.ForeignKey, table string) []string {
	all := []string{table}
	for i := 0; i < len(all); i++ {
		for _, k := range keys {
			if k.Table == all[i] && !slices.Contains(all, k.Parent) {
				all = append(all, k.Parent)
			}
		}
	}
	return all
}
