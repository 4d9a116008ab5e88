package binlog

import (
	"slices"
	"strings"
)

// Drop is the statement of a transaction that removed a database or a table of it; ""
// for none.
func (t *Transaction) Drop(database string) string {
	for _, s := range t.DDL {
		words := strings.Fields(strings.ToUpper(s.SQL))
		if len(words) < 2 || words[0] != "DROP" {
			continue
		}
		switch words[1] {
		case "DATABASE", "SCHEMA":
			if Mentions(s.SQL, database) {
				return s.SQL
			}
		case "TABLE", "TABLES":
			if s.Schema == database || Mentions(s.SQL, database) {
				return s.SQL
			}
		}
	}
	return ""
}

// Removes reports whether Drop removed one of these tables: by name, or with the database.
func (t *Transaction) Removes(database string, tables []string) bool {
	drop := t.Drop(database)
	words := strings.Fields(strings.ToUpper(drop))
	if len(words) < 2 || words[1] != "TABLE" && words[1] != "TABLES" {
		return drop != ""
	}
	return slices.ContainsFunc(tables, func(name string) bool { return Mentions(drop, name) })
}

// Makes reports whether a transaction made a table of this name, or gave it another one: a
// DROP before it is not why the table is absent.
func (t *Transaction) Makes(table string) bool {
	return slices.ContainsFunc(t.DDL, func(s Statement) bool {
		head, _, _ := strings.Cut(s.SQL, "(")
		words := strings.Fields(strings.ToUpper(head))
		if len(words) < 3 {
			return false
		}
		switch words[0] {
		case "CREATE":
			made := words[1] == "TABLE" || len(words) > 3 && words[1] == "OR" && words[3] == "TABLE"
			return made && Mentions(head, table)
		case "RENAME":
			return Mentions(head, table)
		}
		return false
	})
}
