package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// outsiders are statements that reach beyond the target, in every dress.
var outsiders = []string{
	"USE prod",
	"USE `prod`",
	"/*!40000 USE prod */",
	"/*!50000 USE */ prod",
	"INSERT INTO prod.t VALUES (1)",
	"INSERT INTO `prod` . `t` VALUES (1)",
	"INSERT INTO prod/* x */./* y */t VALUES (1)",
	"/*!50000 INSERT INTO prod.t VALUES (1) */",
	"INSERT /*!50000 INTO prod. */ t VALUES (1)",
	"INSERT INTO t SELECT * FROM prod.t",
	"INSERT INTO t VALUES ((SELECT 1))",
	"INSERT INTO t VALUES (prod.f())",
	"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = prod.f()",
	"REPLACE INTO prod.t VALUES (1)",
	"DELETE FROM prod.t",
	"DELETE FROM t WHERE a = prod.f()",
	"UPDATE prod.t SET a = 1",
	"TRUNCATE prod.t",
	"DROP TABLE prod.t",
	"DROP TABLE IF EXISTS x, prod.t",
	"DROP DATABASE prod",
	"DROP SCHEMA IF EXISTS prod",
	"DROP VIEW prod.v",
	"CREATE DATABASE prod",
	"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `prod` /*!40100 DEFAULT CHARACTER SET utf8mb4 */",
	"ALTER DATABASE prod CHARACTER SET latin1",
	"CREATE TABLE prod.t (a INT)",
	"CREATE TABLE u LIKE prod.t",
	"CREATE TABLE u AS SELECT * FROM prod.t",
	"CREATE TABLE u (a INT) ENGINE=MERGE UNION=(prod.t) INSERT_METHOD=LAST",
	"CREATE TABLE u (a INT) ENGINE=FEDERATED CONNECTION='mysql://u@h/prod/t'; INSERT INTO u VALUES (1)",
	"CREATE TABLE `U` (a INT) ENGINE='FEDERATED' CONNECTION='mysql://u@h/prod/t'; REPLACE INTO u VALUES (1)",
	"CREATE TABLE u (a INT) ENGINE=FEDERATED CONNECTION='mysql://u@h/prod/t'; TRUNCATE u",
	"CREATE TABLE u (a INT) ENGINE=FEDERATED CONNECTION='mysql://u@h/prod/t'; DELETE FROM u",
	"CREATE TABLE u (a INT) ENGINE=FEDERATED CONNECTION='mysql://u@h/prod/t'; CREATE VIEW v AS SELECT * FROM u; INSERT INTO v VALUES (1)",
	"CREATE TABLE u (a INT) ENGINE=FEDERATED CONNECTION='mysql://u@h/prod/t' SELECT 1 AS a",
	"CREATE TABLE u (a INT) ENGINE='CONNECT' AS VALUES (1)",
	"ALTER TABLE u ENGINE=FEDERATED",
	"CREATE VIEW v AS SELECT a FROM prod.t; INSERT INTO v VALUES (1)",
	"CREATE VIEW v AS SELECT a FROM prod.t; REPLACE INTO V VALUES (1)",
	"CREATE VIEW v AS SELECT a FROM prod.t; DELETE FROM v",
	"CREATE VIEW v AS SELECT x.a FROM t JOIN t AS y ON y.a = t.a, prod.t AS x; INSERT INTO v (a) VALUES (1)",
	"CREATE VIEW v AS SELECT x.a FROM t FORCE INDEX FOR ORDER BY (k), prod.t AS x; INSERT INTO v (a) VALUES (1)",
	"CREATE VIEW v AS SELECT a FROM prod.t; CREATE VIEW w AS SELECT a FROM v; CREATE VIEW x AS SELECT a FROM w; " +
		"INSERT INTO x VALUES (1)",
	"CREATE VIEW v AS SELECT 1 AS a; CREATE OR REPLACE VIEW v AS SELECT a FROM prod.t; INSERT INTO v VALUES (1)",
	"CREATE TABLE v (a INT); DROP TABLE v; CREATE VIEW v AS SELECT a FROM prod.t; INSERT INTO v VALUES (1)",
	"CREATE VIEW v AS SELECT a FROM prod.t; ALTER TABLE v RENAME TO w; INSERT INTO w VALUES (1)",
	"CREATE VIEW v AS SELECT a FROM mysql.help_topic; INSERT INTO v VALUES (1)",
	writer + "INSERT INTO t VALUES (f())",
	writer + "INSERT INTO t VALUES (1 + F (2) )",
	writer + "INSERT INTO t VALUES (1), (IF(1, f(), 2))",
	writer + "CREATE FUNCTION g() RETURNS INT RETURN f(); REPLACE INTO t VALUES (g())",
	writer + "CREATE TABLE u AS SELECT f() AS a",
	writer + "CREATE TABLE u (a INT) SELECT a FROM t WHERE f()",
	writer + "CREATE VIEW v AS SELECT a FROM t WHERE f() > 0 WITH CHECK OPTION; INSERT INTO v VALUES (1)",
	"CREATE PROCEDURE p() INSERT INTO prod.t VALUES (9);\nDELIMITER //\n" +
		"CREATE FUNCTION f() RETURNS INT BEGIN CALL p(); RETURN 1; END//\nDELIMITER ;\nINSERT INTO t VALUES (f())",
	"CREATE PROCEDURE p() INSERT INTO prod.t VALUES (9); CALL p()",
	"ALTER TABLE prod.t ADD b INT",
	"ALTER TABLE t RENAME TO prod.t",
	"ALTER TABLE t RENAME prod.t",
	"RENAME TABLE t TO prod.t",
	"CREATE VIEW prod.v AS SELECT 1",
	"CREATE TRIGGER g BEFORE INSERT ON prod.t FOR EACH ROW SET @a = 1",
	"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW INSERT INTO prod.t VALUES (NEW.a)",
	"CREATE EVENT prod.e ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
	"CREATE FUNCTION prod.f() RETURNS INT RETURN 1",
	"CREATE USER x", "DROP USER x", "GRANT ALL ON *.* TO x", "REVOKE ALL ON *.* FROM x", "SET PASSWORD = 'x'", "FLUSH TABLES",
	"SET GLOBAL read_only = 1", "SET @@GLOBAL.read_only = 1", "SET @@global.max_connections=1",
	"SET PERSIST max_connections = 1", "SET @@PERSIST.max_connections = 1",
	"SET sql_mode = '', GLOBAL read_only = 1",
	"SET @a = (SELECT prod.f())", "SET @a = prod.f()", "SET @a = f()",
	"SET STATEMENT max_statement_time = 1 FOR DROP DATABASE prod",
	"RESET MASTER", "CHANGE REPLICATION FILTER REPLICATE_DO_DB = (prod)", "STOP GROUP_REPLICATION", "PURGE BINARY LOGS TO 'x'",
	"CALL prod.p()", "CALL p()", "DO prod.f()", "SELECT prod.f()", "SELECT 1 INTO OUTFILE '/tmp/x'", "DO SETVAL(prod.s, 1)",
	"PREPARE s FROM 'DROP DATABASE prod'", "EXECUTE s", "EXECUTE IMMEDIATE 'DROP DATABASE prod'",
	"LOAD DATA INFILE '/etc/passwd' INTO TABLE t", "INSTALL PLUGIN x SONAME 'x'", "CREATE SERVER s FOREIGN DATA " +
		"WRAPPER mysql OPTIONS (HOST 'x')",
	"HANDLER prod.t OPEN", "XA START 'x'", "KILL 1", "SHUTDOWN", "SELECT 1 /*!99999 ' */ ; DROP DATABASE prod; -- ' */",
	"LOCK INSTANCE FOR BACKUP", "\\u prod", "source /tmp/x.sql", "system rm x",
}

// writer is a function of a dump that writes into another database.
const writer = "DELIMITER //\nCREATE FUNCTION f() RETURNS INT DETERMINISTIC " +
	"BEGIN INSERT INTO prod.t VALUES (9); RETURN 1; END//\nDELIMITER ;\n"

func TestNothingRunsOfADumpThatReachesOutside(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		s.Exec(t, "", "CREATE DATABASE IF NOT EXISTS prod", "CREATE TABLE IF NOT EXISTS prod.t (a INT)")
		defer s.Exec(t, "", "DROP DATABASE prod")
		db := s.Open(t, "")
		for i, q := range outsiders {
			schema := fmt.Sprintf("never_%d", i)
			text := "CREATE TABLE t (a INT);\nINSERT INTO t VALUES (1);\n" + q + ";\n"
			_, err := Run(
				context.Background(),
				target(s),
				source(t, []byte(text)),
				Options{Schema: schema, Definer: DefinerKeep},
			)
			var known *ops.Error
			if !errors.As(err, &known) || known.Code != ops.Failed ||
				strings.Contains(known.What.String(), "not allowed in a load") && known.Hint.Empty() {
				t.Errorf("%s: %v", q, err)
			}
			var n int
			if err := db.QueryRow("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", schema).Scan(&n); err != nil ||
				n != 0 {
				t.Errorf("%s: the schema was made (%v)", q, err)
				s.Exec(t, "", "DROP DATABASE "+schema)
			}
		}
		var rows int
		if err := db.QueryRow("SELECT COUNT(*) FROM prod.t").Scan(&rows); err != nil || rows != 0 {
			t.Errorf("prod.t has %d rows (%v)", rows, err)
		}
	})
}

func TestStringsAndCommentsAreNoNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		text := "-- USE prod;\n# USE prod;\n/* USE prod; */\nCREATE TABLE t (a VARCHAR(99) COMMENT 'USE prod;');\n" +
			"INSERT INTO t VALUES ('USE prod;'),('x; DROP DATABASE prod; --'),('prod.t'),('a\\'; USE prod; -- " +
			"'),('''; USE prod;');\n" +
			"CREATE TABLE `USE prod` (`prod.t` INT);\n"
		r := mustRun(t, s, source(t, []byte(text)), Options{Schema: schema})
		if r.Rows != 5 || len(r.Tables) != 2 {
			t.Errorf("%+v", r)
		}
	})
}

func TestADumpOfSeveralDatabasesGivesUpOneAndNothingElse(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		text := "CREATE DATABASE a;\nUSE a;\nCREATE TABLE t (x INT);\nINSERT INTO t VALUES (1);\nCREATE DATABASE " +
			"b;\nUSE b;\n" +
			"CREATE TABLE u (x INT);\nINSERT INTO u VALUES (2);\nUSE mysql;\nGRANT ALL ON *.* TO x;\nFLUSH " +
			"PRIVILEGES;\nUSE b;\nINSERT INTO u VALUES (3);\n"
		if _, err := Run(context.Background(), target(s), source(t, []byte(text)),
			Options{Schema: schema, From: "b"}); err == nil {
			t.Error("a dump that also fills others is taken without SkipOthers")
		}
		r := mustRun(t, s, source(t, []byte(text)), Options{Schema: schema, From: "b", SkipOthers: true})
		if r.Rows != 2 || len(r.Tables) != 1 || r.Tables[0].Name != "u" {
			t.Errorf("%+v", r)
		}
	})
}

func TestADumpWithoutUseIsTakenWhole(t *testing.T) {
	s := testdb.MariaDB(t)
	text := []byte("CREATE TABLE t (x INT);\nINSERT INTO t VALUES (1),(2);\n")
	if r := mustRun(t, s, source(t, text), Options{Schema: s.Schema(t), From: "b", SkipOthers: true}); r.Rows != 2 {
		t.Errorf("%+v", r)
	}
	other := []byte("USE a;\nCREATE TABLE t (x INT);\n")
	if _, err := Run(context.Background(), target(s), source(t, other),
		Options{Schema: "never_other", From: "b", SkipOthers: true}); err == nil {
		t.Error("a dump without the database that was asked for is taken")
	} else {
		var known *ops.Error
		if !errors.As(err, &known) || known.Hint.String() != "it contains a: choose one of these with --from-schema" {
			t.Errorf("%+v", err)
		}
	}
}

func TestWhatIsThereIsNotReplacedUnasked(t *testing.T) {
	s := testdb.MariaDB(t)
	schema := s.Schema(t)
	s.Exec(t, schema, "CREATE TABLE t (a INT)", "INSERT INTO t VALUES (7)")
	text := []byte("DROP TABLE IF EXISTS t;\nCREATE TABLE t (a INT);\nINSERT INTO t VALUES (1),(2);\n")
	if _, err := Run(context.Background(), target(s), source(t, text), Options{Schema: schema}); err == nil ||
		!strings.Contains(err.Error(), "already has") {
		t.Errorf("%v", err)
	}
	if r := mustRun(t, s, source(t, text), Options{Schema: schema, Replace: true}); r.Rows != 2 {
		t.Errorf("%+v", r)
	}
}

func TestServerWideSettingsOfADumpAreSteppedOver(t *testing.T) {
	s := testdb.MySQL(t)
	schema := s.Schema(t)
	text := "SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\nSET @@SESSION.SQL_LOG_BIN= 0;\nSET " +
		"@@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'c1b9ee34-e753-11f1-8b0e-02fc00000001:1-143';\n" +
		"CREATE TABLE t (a INT);\nSET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;\n"
	r := mustRun(t, s, source(t, []byte(text)), Options{Schema: schema})
	var skipped []string
	for _, n := range r.Notes {
		if n.Kind == backup.NoteSkipped {
			skipped = append(skipped, n.Object)
		}
	}
	if len(r.Tables) != 1 || !strings.Contains(strings.Join(skipped, " "), "gtid_purged") {
		t.Errorf("%+v", r)
	}
}

func TestACutDumpIsRefused(t *testing.T) {
	s := testdb.MariaDB(t)
	from := s.Schema(t)
	s.Exec(t, from, "CREATE TABLE t (a INT PRIMARY KEY)", "INSERT INTO t VALUES (1),(2)")
	text := s.Dump(t, from)
	for _, keep := range []int{len(text) - 60, len(text) / 2, len(text) * 3 / 4} {
		if _, err := Run(context.Background(), target(s), source(t, text[:keep]),
			Options{Schema: "never_cut"}); err == nil {
			t.Errorf("cut at %d of %d: taken", keep, len(text))
		}
	}
	path := filepath.Join(t.TempDir(), "x.sql.gz")
	whole, err := os.ReadFile(source(t, text).Path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if n%37 != 0 {
			continue
		}
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := Open(path)
		if err != nil {
			continue
		}
		if _, err := Run(context.Background(), target(s), src, Options{Schema: "never_cut"}); err == nil {
			t.Errorf("gzip cut at %d of %d: taken", n, len(whole))
		}
		src.Close()
	}
}

func TestEventsRunOnlyInTheRealRestore(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		text := []byte(
			"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 00:00:00' ON COMPLETION PRESERVE ENABLE DO " +
				"SET @a = 1;\n",
		)
		for events, want := range map[bool]string{false: "DISABLED", true: "ENABLED"} {
			schema := s.Schema(t)
			mustRun(t, s, source(t, text), Options{Schema: schema, Events: events})
			var got string
			if err := s.Open(t, "").QueryRow("SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?", schema).Scan(&got); err != nil ||
				got != want {
				t.Errorf("events %v: %s (%v)", events, got, err)
			}
		}
	})
}

func TestDefinersThatTheTargetLacksAreToldBeforeTheStart(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		text := []byte("CREATE TABLE t (a INT);\nCREATE DEFINER=`nobody`@`%` VIEW v AS SELECT a FROM t;\n")
		_, err := Run(context.Background(), target(s), source(t, text), Options{Schema: "never_definer"})
		if err == nil || !strings.Contains(err.Error(), "nobody@%") {
			t.Errorf("%v", err)
		}
		for choice, want := range map[string]string{DefinerKeep: "nobody@%", DefinerCurrent: s.User + "@"} {
			schema := s.Schema(t)
			r := mustRun(t, s, source(t, text), Options{Schema: schema, Definer: choice})
			var got string
			if err := s.Open(t, "").QueryRow("SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?", schema).Scan(&got); err != nil ||
				!strings.HasPrefix(got, want) {
				t.Errorf("%s: %s (%v)", choice, got, err)
			}
			if choice == DefinerKeep && len(r.Notes) == 0 {
				t.Error("no note about the absent account")
			}
		}
	})
}

func TestNamesOfTheOldSchemaAreRewrittenByToken(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		text := "CREATE DATABASE old;\nUSE old;\nCREATE TABLE old.t (a INT, old INT);\nINSERT INTO old.t VALUES " +
			"(1,2),(3,4);\n" +
			"CREATE VIEW old.v AS SELECT old.t.a, `t`.`old` FROM old.t WHERE 'old.t' <> '';\n" +
			"DELIMITER //\nCREATE PROCEDURE old.p() BEGIN DECLARE q VARCHAR(99) DEFAULT 'old.t'; SELECT COUNT(*) " +
			"FROM old.t; END//\nDELIMITER ;\n"
		r := mustRun(t, s, source(t, []byte(text)), Options{Schema: schema, From: "old"})
		db := s.Open(t, schema)
		var a, b int
		if err := db.QueryRow("SELECT SUM(a), SUM(old) FROM v").Scan(&a, &b); err != nil || a != 4 || b != 6 {
			t.Errorf("%d %d %v", a, b, err)
		}
		if err := db.QueryRow("CALL p()").Scan(&a); err != nil || a != 2 {
			t.Errorf("%d %v", a, err)
		}
		found := false
		for _, n := range r.Notes {
			found = found || n.Kind == backup.NoteOldName && n.Object == "p"
		}
		if !found {
			t.Errorf("no note about the string: %+v", r.Notes)
		}
	})
}

// What only names other databases, or leads rows to the dump's own tables, is loaded.
func TestViewsAndFunctionsThatStayAtHomeAreLoaded(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		s.Exec(t, "", "CREATE DATABASE IF NOT EXISTS prod", "CREATE TABLE IF NOT EXISTS prod.t (a INT)")
		defer s.Exec(t, "", "DROP DATABASE prod")
		schema := s.Schema(t)
		text := "CREATE TABLE t (a INT);\nCREATE TABLE f (a INT);\n" + writer +
			"CREATE VIEW outer_view AS SELECT a FROM prod.t;\n" +
			"CREATE VIEW v AS SELECT a FROM t WHERE a IN (SELECT a FROM f);\n" +
			"INSERT INTO t VALUES (ABS(-1)),(2);\nINSERT INTO f VALUES (3);\nINSERT INTO v VALUES (4);\n" +
			"CREATE TABLE outer_view_2 AS SELECT a FROM t;\n" +
			"CREATE FUNCTION home() RETURNS INT READS SQL DATA " +
			"RETURN (SELECT COUNT(*) FROM information_schema.TABLES);\n" +
			"INSERT INTO t VALUES (home() * 0 + 5);\n"
		mustRun(t, s, source(t, []byte(text)), Options{Schema: schema})
		var sum, count, outside int
		err := s.Open(t, schema).QueryRow("SELECT (SELECT SUM(a) FROM t), (SELECT COUNT(*) FROM outer_view_2), "+
			"(SELECT COUNT(*) FROM prod.t)").Scan(&sum, &count, &outside)
		if err != nil || sum != 12 || count != 3 || outside != 0 {
			t.Errorf("sum %d, count %d, rows outside %d (%v)", sum, count, outside, err)
		}
	})
}

// A trigger of the dump is created after all rows. When a load resumes, the triggers of
// the earlier attempt are there, and rows of a table without transactions go in again.
func TestTriggersOfAnEarlierAttemptAreNotFired(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		schema := s.Schema(t)
		text := "CREATE TABLE t (a INT) ENGINE=MyISAM;\nCREATE TABLE told (a INT);\n" +
			"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW INSERT INTO told VALUES (NEW.a);\n" +
			"CREATE TRIGGER h BEFORE DELETE ON t FOR EACH ROW INSERT INTO told VALUES (OLD.a);\n" +
			"INSERT INTO t VALUES (1),(2);\n" +
			"CREATE TRIGGER i AFTER INSERT ON t FOR EACH ROW SET @x = NEW.nothing;\n"
		for range 2 {
			_, err := Run(context.Background(), target(s), source(t, []byte(text)), Options{Schema: schema})
			if err == nil {
				t.Fatal("a trigger over an unknown column was created")
			}
		}
		var rows, told int
		err := s.Open(t, schema).QueryRow("SELECT (SELECT COUNT(*) FROM t), (SELECT COUNT(*) FROM told)").
			Scan(&rows, &told)
		if err != nil || rows != 2 || told != 0 {
			t.Errorf("%d rows, %d told (%v)", rows, told, err)
		}
	})
}
