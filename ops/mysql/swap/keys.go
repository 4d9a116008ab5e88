package swap

import (
	"slices"

	"opsdeck/ops/mysql/schema"
)

// closure adds to the selected tables all tables linked to them by foreign keys, in either
// direction and transitively.
func closure(chosen []string, keys []schema.ForeignKey) []string {
	out := slices.Clone(chosen)
	for grown := true; grown; {
		grown = false
		for _, k := range keys {
			if k.Database != k.ParentDatabase {
				continue
			}
			for _, pair := range [][2]string{{k.Table, k.Parent}, {k.Parent, k.Table}} {
				if slices.Contains(out, pair[0]) && !slices.Contains(out, pair[1]) {
					out = append(out, pair[1])
					grown = true
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
