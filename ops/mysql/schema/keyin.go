package schema

import "strings"

// KeyIn is a condition that the columns of a key have one of some values, given as a literal for
// each column. names are the columns as the statement has them. MySQL compares an ENUM or a SET
// within a row constructor as text, and so finds none there by its number: then each column is
// compared by itself, which uses the index as well.
func KeyIn(columns []Column, names []string, keys [][]string) string {
	apart := false
	for _, c := range columns {
		apart = apart || len(columns) > 1 && (c.DataType == "enum" || c.DataType == "set")
	}
	all := make([]string, len(keys))
	for n, key := range keys {
		if !apart {
			all[n] = "(" + strings.Join(key, ", ") + ")"
			continue
		}
		each := make([]string, len(key))
		for i, value := range key {
			each[i] = names[i] + " = " + value
		}
		all[n] = "(" + strings.Join(each, " AND ") + ")"
	}
	if apart {
		return "(" + strings.Join(all, " OR ") + ")"
	}
	return "(" + strings.Join(names, ", ") + ") IN (" + strings.Join(all, ", ") + ")"
}
