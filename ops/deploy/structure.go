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
	// Values is how many values of each column are not NULL; a generated column has none.
	Values map[string]int64 `json:"values,omitempty"`
	// Object names what is no table: "view orders_of_today".
	Object string `json:"object,omitempty"`
}

// Structure is the tables of a database by name, and what else it holds by ObjectKey.
type Structure map[string]Table

// ObjectKey is the key of what is no table; no table's name begins so.
func ObjectKey(object string) string { return "\x00" + object }

// Tables is how many tables there are.
func (s Structure) Tables() (n int) {
	for _, t := range s {
		if t.Object == "" {
			n++
		}
	}
	return n
}

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
		switch object := before[name].Object; {
		case !is && object != "":
			out = append(out, Change{lang.M("%s was dropped", object), true})
			continue
		case !is:
			out = append(out, Change{lang.M("table %s was dropped", name), true})
			continue
		}
		out = append(out, compareTable(name, before[name], now)...)
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, is := before[name]; is {
			continue
		}
		what := lang.M("table %s was added", name)
		if object := after[name].Object; object != "" {
			what = lang.M("%s was added", object)
		}
		out = append(out, Change{what, false})
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
			out = append(out, Change{lang.M("column %s.%s was changed: %s, now %s", name, c, was.Columns[c], kind),
				narrower(was.Columns[c], kind)})
		}
		had, counted := was.Values[c]
		if has, still := now.Values[c]; counted && still && has < had {
			out = append(out,
				Change{lang.M("column %s.%s lost values: %d were not NULL, now %d", name, c, had, has), true})
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
