package binlog

import "strings"

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
