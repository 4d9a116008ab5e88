package dump

import (
	"regexp"
	"slices"
	"strings"
)

// keyBeyond is a foreign key of SHOW CREATE TABLE that names a schema: one of another
// database's tables.
var keyBeyond = regexp.MustCompile("(?m)^ *CONSTRAINT .* REFERENCES `((?:[^`]|``)+)`\\.`((?:[^`]|``)+)` \\(")

// keysBeyond warns of foreign keys to tables that are not in the backup.
func (inv *inventory) keysBeyond() []string {
	var names, keys []string
	for _, db := range inv.databases {
		names = append(names, db.name)
	}
	for _, db := range inv.databases {
		for _, t := range db.tables {
			for _, k := range keyBeyond.FindAllStringSubmatch(t.create, -1) {
				if parent := strings.ReplaceAll(k[1], "``", "`"); !slices.Contains(names, parent) {
					keys = append(keys, t.Name+" → "+parent+"."+strings.ReplaceAll(k[2], "``", "`"))
				}
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return []string{"foreign keys refer to other databases, which are not in this backup: " + strings.Join(keys, ", ")}
}
