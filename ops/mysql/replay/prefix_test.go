package replay

import (
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// prefixedWork are MariaDB's statements with settings of their own, or with ANALYZE, of which
// the server logs the whole text.
var prefixedWork = []string{
	"SET STATEMENT lock_wait_timeout=5 FOR ALTER TABLE a ADD UNIQUE INDEX uv (v)",
	"SET STATEMENT max_statement_time=60 FOR DROP TABLE old",
	"/* job */ SET STATEMENT lock_wait_timeout=5, default_storage_engine='Aria' FOR CREATE TABLE fresh (id INT PRIMARY KEY)",
	"SET STATEMENT sql_mode='', lock_wait_timeout=(1+1) FOR INSERT INTO a VALUES (2, 2, 'FOR, x')",
	"SET STATEMENT max_statement_time=60 FOR UPDATE a SET w = '' WHERE id = 1",
	"SET STATEMENT sql_mode='NO_AUTO_VALUE_ON_ZERO' FOR INSERT INTO n VALUES (0, 'zero')",
	"SET STATEMENT sort_buffer_size=100000 FOR SET STATEMENT lock_wait_timeout=1 FOR DELETE FROM a WHERE id = 3",
	"INSERT INTO fresh VALUES (7)",
	"ANALYZE UPDATE a SET w = 'analyzed' WHERE id = 5",
	"ANALYZE FORMAT=JSON DELETE FROM a WHERE id = 6",
	"SET STATEMENT max_statement_time=60 FOR CREATE OR REPLACE VIEW va AS SELECT id FROM a",
	"SET STATEMENT max_statement_time=60 FOR ALTER VIEW va AS SELECT id, v FROM a",
	"SET STATEMENT max_statement_time=60 FOR RENAME TABLE moved TO moved2",
	"SET STATEMENT max_statement_time=60 FOR TRUNCATE TABLE bare",
	"CREATE PROCEDURE p() BEGIN SET STATEMENT max_statement_time=60 FOR INSERT INTO a VALUES (9, 9, 'p'); END",
	"CALL p()",
}

// TestStatementsWithAPrefixAreReplayed: a prefix hides neither rows nor definitions.
func TestStatementsWithAPrefixAreReplayed(t *testing.T) {
	for name, server := range map[string]func(testing.TB) *testdb.Server{
		"mariadb": testdb.MariaDB, "mariadb11": testdb.MariaDB11} {
		for _, format := range []string{"ROW", "STATEMENT"} {
			t.Run(name+"/"+format, func(t *testing.T) {
				t.Parallel()
				s := server(t)
				w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v INT, w VARCHAR(20))",
					"INSERT INTO a VALUES (1,1,'secret'), (3,3,''), (4,4,''), (5,5,''), (6,6,'')",
					"CREATE TABLE old (i INT)", "CREATE TABLE n (id INT AUTO_INCREMENT PRIMARY KEY, w VARCHAR(20))",
					"CREATE TABLE moved (i INT)", "CREATE TABLE bare (i INT)",
					"INSERT INTO bare VALUES (1)")
				w.work(t, "SET SESSION binlog_format="+format)
				w.work(t, prefixedWork...)
				end := now2(t, s)
				f, state := w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
				w.same(t)
				w.counted(t, state)
				if format == "STATEMENT" && f.Statements < 6 {
					t.Errorf("%d statements in statement format", f.Statements)
				}
			})
		}
	}
}

// TestSettingsOfAPrefix: those that change the result are kept, limits are not.
func TestSettingsOfAPrefix(t *testing.T) {
	q := &format.Query{Settings: []string{"MAX_STATEMENT_TIME = 3", "sql_mode=''", "binlog_format='ROW'",
		"system_versioning_alter_history=KEEP"}}
	want := "SET STATEMENT sql_mode='', system_versioning_alter_history=KEEP FOR "
	if got := withSettings(q); got != want {
		t.Errorf("%q", got)
	}
	q.Settings = q.Settings[:1]
	if got := withSettings(q); got != "" {
		t.Errorf("%q", got)
	}
}
