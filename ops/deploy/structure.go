package deploy

import (
	"maps"
	"slices"

	"opsdeck/internal/lang"
)

// Table is the structure of a table and how many rows it has.
type Table struct {
	Columns map[string]string `json:"columns"` // by name: type, nullability and default in one
	Indexes map[string]string `json:"indexes"` // by name: the columns
	Rows    int64             `json:"rows"`    // -1 where they were not counted
}

// Structure is the tables of a database by name.
type Structure map[string]Table

// Change is one difference between two structures.
type Change struct {
	What lang.Msg
	Loss bool // rows or values are lost
}

// Compare lists what became of a structure.
func Compare(before, after Structure) []Change {
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(before)) {
		now, is := after[name]
		if !is {
			out = append(out, Change{lang.M("table %s was dropped", name), true})
			continue
		}
		out = append(out, compareTable(name, before[name], now)...)
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, is := before[name]; !is {
			out = append(out, Change{lang.M("table %s was added", name), false})
		}
	}
	return out
}

func compareTable(name string, was, now Table) (out []Change) {
	for _, c := range slices.Sorted(maps.Keys(was.Columns)) {
		kind, is := now.Columns[c]
		switch {
		case !is:
			out = append(out, Change{lang.M("column %s.%s was dropped", name, c), true})
		case kind != was.Columns[c]:
			out = append(out, Change{lang.M("column %s.%s was changed: %s, now %s", name, c, was.Columns[c], kind), false})
		}
	}
	for _, c := range slices.Sorted(maps.Keys(now.Columns)) {
		if _, is := was.Columns[c]; !is {
			out = append(out, Change{lang.M("column %s.%s was added", name, c), false})
		}
	}
	for _, i := range slices.Sorted(maps.Keys(was.Indexes)) {
		if now.Indexes[i] != was.Indexes[i] {
			out = append(out, Change{lang.M("index %s of %s was dropped or changed", i, name), false})
		}
	}
	for _, i := range slices.Sorted(maps.Keys(now.Indexes)) {
		if _, is := was.Indexes[i]; !is {
			out = append(out, Change{lang.M("index %s of %s was added", i, name), false})
		}
	}
	if was.Rows >= 0 && now.Rows >= 0 && was.Rows > now.Rows {
		out = append(out, Change{lang.M("%s had %d rows, now %d", name, was.Rows, now.Rows), true})
	}
	return out
}
