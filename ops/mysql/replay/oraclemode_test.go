package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	format "opsdeck/ops/mysql/binlog"
	"opsdeck/ops/mysql/schema"
)

// Rows and statements follow each definition in the log: the session keeps the sql_mode of
// the last one, in which BEGIN begins a block and || joins texts.
var oracleWork = []string{
	"SET SESSION sql_mode = 'ORACLE'",
	"CREATE PROCEDURE po(a IN INT) AS BEGIN INSERT INTO z (id) VALUES (a); NULL; END",
	"INSERT INTO z (id) VALUES (2)",
	"CREATE FUNCTION fo(a VARCHAR2) RETURN VARCHAR2 DETERMINISTIC IS b INT := 1; BEGIN RETURN a || b; END",
	"INSERT INTO z (id) VALUES (3)",
	"CREATE TRIGGER zo AFTER INSERT ON z FOR EACH ROW DECLARE x INT; BEGIN x := :NEW.id; " +
		"FOR i IN 1..2 LOOP x := x + i; END LOOP; INSERT INTO y VALUES (x); END",
	"INSERT INTO z (id) VALUES (4)",
	"CREATE PACKAGE pk AS PROCEDURE p1; FUNCTION f1 RETURN INT; END",
	"CREATE PACKAGE BODY pk AS v INT := 3; PROCEDURE p1 AS w z.id%TYPE; BEGIN SELECT id INTO w FROM z LIMIT 1; END; " +
		"FUNCTION f1 RETURN INT AS BEGIN <<l1>> LOOP EXIT l1 WHEN v > 1; END LOOP; RETURN v; END; BEGIN v := 4; END",
	"CREATE EVENT eo ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO DECLARE k INT; BEGIN k := 1; po(k); END",
	"CREATE TABLE k (id INT PRIMARY KEY, t VARCHAR2(20))",
	"SET SESSION binlog_format = STATEMENT", "INSERT INTO k VALUES (1, '4' || '2')", "SET SESSION binlog_format = ROW",
	"ALTER PROCEDURE po COMMENT 'x'", "DROP FUNCTION fo",
	"CREATE OR REPLACE FUNCTION fo(a INT) RETURN INT DETERMINISTIC AS BEGIN RETURN a || 1; END",
	"INSERT INTO z (id) VALUES (5)", "CALL po(6)", "CALL pk.p1",
}

// The default grammar, from the same session.
var defaultWork = []string{
	"SET SESSION sql_mode = DEFAULT",
	"CREATE PROCEDURE pd(a INT) BEGIN DECLARE b INT DEFAULT 1; INSERT INTO z (id) VALUES (a); END",
	"CREATE FUNCTION fd(a INT) RETURNS INT DETERMINISTIC BEGIN DECLARE b INT; SET b = a; RETURN b; END",
	"CREATE TRIGGER zd BEFORE DELETE ON z FOR EACH ROW BEGIN DECLARE b INT; SET b = OLD.id; END",
	"CREATE EVENT ed ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO BEGIN DECLARE b INT; CALL pd(7); END",
	"INSERT INTO z (id) VALUES (8)", "CALL pd(9)", "DELETE FROM z WHERE id = 2",
}

// packageWork is refused by servers that know packages in sql_mode ORACLE alone.
var packageWork = []string{
	"CREATE PACKAGE pn PROCEDURE p1(); FUNCTION f1() RETURNS INT; END",
	"CREATE PACKAGE BODY pn PROCEDURE p1() BEGIN SELECT 1; END; FUNCTION f1() RETURNS INT BEGIN RETURN 2; END; END",
	"INSERT INTO z (id) VALUES (10)",
}

// TestDefinitionsInOracleModeAreReplayed has each kind of object in both grammars.
func TestDefinitionsInOracleModeAreReplayed(t *testing.T) {
	for name, server := range map[string]func(testing.TB) *testdb.Server{
		"mariadb": testdb.MariaDB, "mariadb11": testdb.MariaDB11} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server(t)
			w := newWorld(t, s, "CREATE TABLE z (id INT PRIMARY KEY) ENGINE=InnoDB",
				"CREATE TABLE y (x INT) ENGINE=InnoDB", "INSERT INTO z (id) VALUES (1)")
			w.work(t, oracleWork...)
			w.work(t, defaultWork...)
			_, err := w.conn.ExecContext(t.Context(), packageWork[0])
			switch {
			case err == nil:
				w.work(t, packageWork[1:]...)
			case mysql.Number(err) != 1064:
				t.Fatal(err)
			case name == "mariadb11":
				t.Log("no packages in the default grammar")
			}
			end := now(t, s)
			w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
			w.same(t)
			live, shadow := events(t, w, w.live), events(t, w, w.shadow)
			if len(live) != 2 || !slices.Equal(live, shadow) {
				t.Errorf("events: %q, replayed %q", live, shadow)
			}
		})
	}
}

// events are the definitions of a database's events with their modes.
func events(t *testing.T, w *world, in string) (all []string) {
	t.Helper()
	rows, err := schema.All(t.Context(), w.s.Open(t, ""), "SELECT EVENT_NAME, SQL_MODE, EVENT_DEFINITION FROM "+
		"information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 1", in)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		all = append(all, strings.Join(r, " "))
	}
	return all
}

// TestAFailedReplayNamesItsStatementAndTheRestoreBeforeIt: the advice leads to the state before
// the statement.
func TestAFailedReplayNamesItsStatementAndTheRestoreBeforeIt(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		w := newWorld(t, s, "CREATE TABLE z (id INT PRIMARY KEY)")
		other := s.Schema(t)
		s.Exec(t, other, "CREATE TABLE t (a INT)")
		w.work(t, "INSERT INTO z VALUES (1)",
			"CREATE VIEW v AS SELECT a AS `"+strings.Repeat("a", 60)+"` FROM "+other+".t",
			"INSERT INTO z VALUES (2)")
		s.Exec(t, "", "DROP TABLE "+other+".t")
		all := groups(t, w)
		id := all[len(all)-3].ID() // before the second row and the drop
		run := w.log(t)
		end := run.End().Position
		f, err := Look(t.Context(), w.question(run, binlog.Moment{Position: &end}))
		if err != nil {
			t.Fatal(err)
		}
		w.prepare(t, run)
		_, err = w.run(t.Context(), t, run, f)
		var told *ops.Error
		if !errors.As(err, &told) || mysql.Number(err) != 1146 {
			t.Fatal(err)
		}
		if got := told.What.String(); !strings.Contains(got, id) ||
			!strings.Contains(got, "in the statement: CREATE ") || !strings.HasSuffix(got, "…") {
			t.Errorf("said: %s", got)
		}
		if got := told.Hint.String(); !strings.Contains(got, "opsdeck restore --before "+id+" --plan") {
			t.Errorf("advised: %s", got)
		}
		s.Exec(t, w.shadow, "DROP TABLE "+Table, "DELETE FROM z")
		if _, state := w.replay(t, run, binlog.Moment{Before: id}); state.Rows["z"] != 1 {
			t.Errorf("before it: %+v", state)
		}
	})
}

// TestAFailedReplayShowsNoSecret: the rows of a batch name the first transaction in it.
func TestAFailedReplayShowsNoSecret(t *testing.T) {
	i := &format.Item{What: format.Statement, Group: &format.Group{File: "b.000001", Pos: 700}, Query: &format.Query{
		SQL: []byte("CREATE USER x IDENTIFIED BY 'geheim' ATTRIBUTE '" + strings.Repeat("a", 300) + "'")}}
	r := &runner{}
	err := failed(r, i, errors.New("it failed"))
	var told *ops.Error
	if !errors.As(err, &told) || strings.Contains(fmt.Sprint(err), "geheim") || len(told.What.String()) > 250 ||
		!strings.Contains(told.Hint.String(), "--before b.000001:700 ") {
		t.Errorf("%v", err)
	}
	r.unsent.File, r.unsent.Pos = "b.000001", 300
	errors.As(failed(r, i, errors.New("it failed")), &told)
	if !strings.Contains(told.Hint.String(), "--before b.000001:300 ") ||
		strings.Contains(told.What.String(), "CREATE") {
		t.Errorf("%s; %s", told.What, told.Hint)
	}
}
