package replay

import (
	"fmt"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
)

// After statements whose effect on the rows is not in the log, the replayed rows are right and
// their count is right or unknown. An ALTER VIEW is replayed.
func TestACountIsRightOrUnknown(t *testing.T) {
	partitioned := "CREATE TABLE a (id INT, y INT, PRIMARY KEY (id, y)) PARTITION BY RANGE (y) " +
		"(PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN (20))"
	both := []string{"mysql", "mariadb"}
	maria := both[1:]
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for name, c := range map[string]struct {
			on    []string
			setup []string
			work  []string
		}{
			"exchange": {both, []string{partitioned, "INSERT INTO a VALUES (1, 1), (2, 11)",
				"CREATE TABLE b (id INT, y INT, PRIMARY KEY (id, y))"},
				[]string{"ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b", "INSERT INTO a VALUES (9, 9)"}},
			"convert": {maria, []string{partitioned, "INSERT INTO a VALUES (1, 1), (2, 11)"},
				[]string{"ALTER TABLE a CONVERT PARTITION p TO TABLE b", "INSERT INTO b VALUES (9, 9)"}},
			"ignore": {maria, []string{"CREATE TABLE a (id INT, y INT)", "INSERT INTO a VALUES (1, 1), (1, 2), (2, 3)"},
				[]string{"ALTER IGNORE TABLE a ADD UNIQUE (id)"}},
			"versioned": {maria, []string{"CREATE TABLE a (id INT PRIMARY KEY, y INT) WITH SYSTEM VERSIONING",
				"INSERT INTO a VALUES (1, 1), (2, 2)"}, []string{"UPDATE a SET y = 3 WHERE id = 1", "DELETE FROM a WHERE id = 2"}},
			"savepoint": {maria, []string{"CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB",
				"CREATE TABLE b (id INT PRIMARY KEY) ENGINE=MyISAM"},
				[]string{"BEGIN", "INSERT INTO a VALUES (1)", "SAVEPOINT s", "INSERT INTO a VALUES (2)",
					"INSERT INTO b VALUES (1)", "ROLLBACK TO s", "INSERT INTO a VALUES (3)", "COMMIT"}},
			"view": {both, []string{"CREATE TABLE a (id INT PRIMARY KEY)", "CREATE VIEW v AS SELECT id FROM a"},
				[]string{"ALTER VIEW v AS SELECT id + 1 AS next FROM a", "INSERT INTO a VALUES (1)"}},
		} {
			if c.on[0] != "mysql" && s.Flavour == "mysql" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				w := newWorld(t, s, c.setup...)
				w.work(t, c.work...)
				_, state := w.replay(t, w.log(t), binlog.Moment{Position: &now2(t, s).Position})
				if name != "versioned" { // its history has times of its own
					w.same(t)
				}
				for table, n := range state.Rows {
					var is int64
					err := s.Open(t, w.shadow).QueryRow(fmt.Sprintf("SELECT COUNT(*) FROM `%s`", table)).Scan(&is)
					if err != nil || n != unknownRows && n != is {
						t.Errorf("%s: counted %d, has %d, %v", table, n, is, err)
					}
				}
			})
		}
	})
}
