package binlog

import (
	"slices"
	"strings"
)

// LeftOut describes what a server excludes from its binlog for as long as it runs. The
// zero value excludes nothing. What a session excludes (sql_log_bin) is not visible from
// outside.
//
// MySQL Reference Manual, "Evaluation of Database-Level Replication and Binary Logging
// Options"; each server start begins a new log file, so a file has one such setting.
type LeftOut struct {
	Do      []string `json:"do,omitempty"`      // binlog-do-db: no other database is logged
	Ignore  []string `json:"ignore,omitempty"`  // binlog-ignore-db
	Applied string   `json:"applied,omitempty"` // the variable by which a replica does not log what it applies
}

// Setting names the setting that excludes a database; "" if none does.
func (l *LeftOut) Setting(database string) string {
	is := func(name string) bool { return strings.EqualFold(name, database) }
	switch {
	case l == nil || database == "":
		return ""
	case l.Applied != "":
		return l.Applied + "=OFF"
	case len(l.Do) > 0 && !slices.ContainsFunc(l.Do, is):
		return "binlog-do-db=" + strings.Join(l.Do, ",")
	case slices.ContainsFunc(l.Ignore, is):
		return "binlog-ignore-db=" + strings.Join(l.Ignore, ",")
	}
	return ""
}
