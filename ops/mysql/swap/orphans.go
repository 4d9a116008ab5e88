package swap

import (
	"context"
	"database/sql"
	"regexp"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
)

// plainName is a database name that the engine's dictionary writes as it is.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// surveyOrphans finds what an interrupted DROP DATABASE leaves: the database is gone, and
// the server still knows tables, routines or events of it. The swap would fail on them.
func (s *Surveyor) surveyOrphans(ctx context.Context, db *sql.DB, a *restore.Assessment, live string) {
	if a.SchemaThere {
		return
	}
	queries := map[string]string{
		"SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?": live,
		"SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?":     live,
	}
	if plainName.MatchString(live) {
		for _, table := range []string{"INNODB_SYS_TABLES", "INNODB_TABLES"} { // MariaDB, MySQL
			queries["SELECT COUNT(*) FROM information_schema."+table+" WHERE SUBSTRING_INDEX(NAME, '/', 1) = ?"] = live
		}
	}
	for q, name := range queries {
		n, err := schema.One(ctx, db, q, name)
		if err != nil || n == "" || n == "0" {
			continue // a server has one of the two tables
		}
		a.Findings = append(a.Findings, restore.Finding{
			State:  ops.StateCritical,
			Blocks: true,
			What: restore.N(lang.M("the database %s does not exist, but the server still knows objects of it: a DROP "+
				"DATABASE was interrupted, or its folder was removed", live)),
			Hint: restore.N(lang.M("if its folder is lost, remove the remains: CREATE DATABASE %s; DROP DATABASE %[1]s",
				restore.Name(live))),
		})
		return
	}
}
