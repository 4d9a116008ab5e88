package rescue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/restore"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func target(s *testdb.Server) mysql.Target {
	return mysql.Target{
		Network:  "tcp",
		Addr:     net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		User:     s.User,
		Password: s.Password,
	}
}

func backupOf(t *testing.T, s *testdb.Server, db string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), db+"_20260129_020000.sql.gz")
	if _, err := dump.Run(context.Background(), target(s),
		dump.Options{Databases: []string{db}, Kind: backup.KindScheduled}, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, s *testdb.Server, live, path, table string) *Session {
	t.Helper()
	r, err := Open(t.Context(), Job{Target: target(s), Path: path, Live: live, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if left := scratch(t, s); left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
	return r
}

// text is a table's rows by the client's word, bytes in hex.
func text(t *testing.T, s *testdb.Server, db, table string) string {
	t.Helper()
	args := []string{
		"--no-create-info",
		"--skip-triggers",
		"--hex-blob",
		"--skip-extended-insert",
		"--order-by-primary",
		"--compact",
		"--skip-tz-utc",
	}
	if s.Flavour == "mysql" {
		args = append(args, "--set-gtid-purged=OFF")
	}
	return string(s.Dump(t, append(args, db, table)...))
}

func scratch(t *testing.T, s *testdb.Server) string {
	t.Helper()
	var names string
	err := s.Open(t, "").
		QueryRow("SELECT COALESCE(GROUP_CONCAT(SCHEMA_NAME), '') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME " +
			"LIKE 'opsdeck\\_rescue\\_%'").
		Scan(&names)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// differences writes what Diff says in one line a row.
func differences(t *testing.T, r *Session) (lines []string) {
	t.Helper()
	_, err := r.Diff(t.Context(), func(d *restore.Difference) error {
		line := d.Kind + " " + r.Common.KeyText(d.Row())
		for _, i := range d.Columns {
			line += " " + r.Common.Columns[i].Name
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

var all = restore.RescuePick{}

const zoo = "CREATE TABLE zoo (id INT NOT NULL, code VARCHAR(40) NOT NULL, name VARCHAR(80), bytes VARBINARY(40), " +
	"doc JSON, at DATETIME(6), ts TIMESTAMP(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6), " +
	"price DECIMAL(20,6), f FLOAT, d DOUBLE, bits BIT(9), kind ENUM('','a','b'), old VARCHAR(20) CHARACTER SET gbk, " +
	"twice INT GENERATED ALWAYS AS (id * 2) STORED, PRIMARY KEY (id, code)) DEFAULT CHARSET=utf8mb4"

var zooRows = []string{
	`INSERT INTO zoo (id, code, name, bytes, doc, at, ts, price, f, d, bits, kind, old) VALUES
	(0, 'zero', '', '', '{}', '0000-00-00', NULL, 0, 0, -0e0, b'0', '', ''),
	(-5, 'minus', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(1, '千张', '订单 ''; DROP TABLE zoo; -- \\', 0x00FF27220A5C, '{"a": "千", "b": [1, null]}', '2026-01-29 02:00:00.123456', '2026-01-29 02:00:00.654321', 12345678901234.567891, 3.4028234e38, 0.1, b'101010101', 'a', '编码'),
	(10, 'x/y,z', 'a', 0xDEADBEEF, '"t"', '1000-01-01', '2001-01-01', -1.5, 1.1, 1e-300, b'1', 'b', 'b'),
	(9, 'B', 'b', 0x01, '1', NULL, NULL, 1, 1, 1, NULL, 'a', 'c'),
	(9, 'a', 'c', 0x02, '2', NULL, NULL, 1, 1, 1, NULL, 'a', 'c')`,
}

func TestDeletedAndChangedRowsComeBackExactly(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(t, live, append([]string{"SET sql_mode = ''", zoo}, zooRows...)...)
		before := text(t, s, live, "zoo")
		path := backupOf(t, s, live)
		s.Exec(t, live, "SET sql_mode = ''", "DELETE FROM zoo WHERE id IN (0, 1, -5) OR code = 'B'",
			"UPDATE zoo SET bytes = NULL, d = 2e0 WHERE id = 10", "UPDATE zoo SET old = '乱' WHERE code = 'a'")
		r := open(t, s, live, path, "zoo")
		got := strings.Join(differences(t, r), "\n")
		want := "missing -5/minus\nmissing 0/zero\nmissing 1/千张\nmissing 9/B\nchanged 9/a ts old\nchanged " +
			"10/x\\/y\\,z bytes ts d"
		if got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		s.Exec(t, live, "INSERT INTO zoo (id, code, name) VALUES (77, 'new', '新')")
		n, err := r.Merge(t.Context(), all)
		if err != nil || n.Missing != 4 || n.Changed != 2 {
			t.Fatalf("%+v %v", n, err)
		}
		if got := differences(t, r); len(got) != 1 || got[0] != "added 77/new" {
			t.Errorf("after the merge: %q", got)
		}
		s.Exec(t, live, "DELETE FROM zoo WHERE id = 77")
		if after := text(t, s, live, "zoo"); after != before {
			t.Errorf("got\n%s\nwant\n%s", after, before)
		}
	})
}

func TestOnlyThePickedRowsAreMerged(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, v INT)",
			"INSERT INTO t VALUES (1,1),(2,2),(3,3),(18446744073709551615,4),(100,5)",
		)
		path := backupOf(t, s, live)
		s.Exec(
			t,
			live,
			"DELETE FROM t WHERE id IN (1, 18446744073709551615)",
			"UPDATE t SET v = 0 WHERE id IN (2, 3)",
			"INSERT INTO t VALUES (50, 50)",
		)
		r := open(t, s, live, path, "t")
		for _, c := range []struct {
			pick restore.RescuePick
			left string
		}{
			{restore.RescuePick{Keys: map[string]bool{"3": true}}, "missing 1,changed 2 v,added 50,missing 18446744073709551615"},
			{restore.RescuePick{Kinds: map[string]bool{restore.RescueMissing: true}}, "changed 2 v,added 50"},
			{restore.RescuePick{Kinds: map[string]bool{restore.RescueChanged: true}}, "added 50"},
		} {
			if _, err := r.Merge(t.Context(), c.pick); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(differences(t, r), ","); got != c.left {
				t.Errorf("%+v: got %s, want %s", c.pick, got, c.left)
			}
		}
	})
}

func TestARowThatBreaksAForeignKeyTakesItsBatchBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE p (id INT PRIMARY KEY)",
			"CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT of_p FOREIGN KEY (p) REFERENCES p (id))",
			"INSERT INTO p VALUES (1), (2)",
			"INSERT INTO c VALUES (1, 1), (2, 2), (3, 1)",
		)
		path := backupOf(t, s, live)
		s.Exec(t, live, "DELETE FROM c", "DELETE FROM p WHERE id = 2")
		r := open(t, s, live, path, "c")
		n, err := r.Merge(t.Context(), all)
		if err == nil || n.Missing != 0 || !strings.Contains(err.Error(), "row 2 of c breaks the foreign key of_p") {
			t.Errorf("%+v %v", n, err)
		}
		if got := text(t, s, live, "c"); strings.Contains(got, "INSERT") {
			t.Errorf("rows were left: %s", got)
		}
	})
}

// TestTablesThatReferToEachOtherAreRestoredTogether: neither can be merged first.
func TestTablesThatReferToEachOtherAreRestoredTogether(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(t, live, "CREATE TABLE a (id INT PRIMARY KEY, b INT)",
			"CREATE TABLE b (id INT PRIMARY KEY, a INT, CONSTRAINT of_a FOREIGN KEY (a) REFERENCES a (id))",
			"ALTER TABLE a ADD CONSTRAINT of_b FOREIGN KEY (b) REFERENCES b (id)",
			"CREATE TABLE c (id INT PRIMARY KEY, a INT, CONSTRAINT c_of_a FOREIGN KEY (a) REFERENCES a (id))",
			"SET foreign_key_checks = 0", "INSERT INTO a VALUES (1, 1)", "INSERT INTO b VALUES (1, 1)",
			"INSERT INTO c VALUES (1, 1)")
		path := backupOf(t, s, live)
		s.Exec(t, live, "SET foreign_key_checks = 0", "DELETE FROM a", "DELETE FROM b", "DELETE FROM c")
		for table, want := range map[string]string{
			"a": "opsdeck restore --tables a,b", "b": "opsdeck restore --tables a,b",
			"c": "rescue the table that it points to first",
		} {
			t.Run(table, func(t *testing.T) {
				_, err := open(t, s, live, path, table).Merge(t.Context(), all)
				var said *ops.Error
				if !errors.As(err, &said) || !strings.Contains(said.Hint.String(), want) {
					t.Errorf("%v, next %q", err, said.Hint.String())
				}
			})
		}
	})
}

func TestDefinitionsMayDiffer(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE t (id INT PRIMARY KEY, gone INT, price DECIMAL(8,2), v INT)",
			"INSERT INTO t VALUES (1,1,1.50,1),(2,2,2.50,2),(3,3,3.50,3)",
		)
		path := backupOf(t, s, live)
		s.Exec(
			t,
			live,
			"ALTER TABLE t DROP COLUMN gone, MODIFY price DECIMAL(12,4), ADD COLUMN more VARCHAR(9) DEFAULT 'dflt' "+
				"FIRST",
			"DELETE FROM t WHERE id = 2",
			"UPDATE t SET v = 9, more = 'mine' WHERE id = 3",
		)
		r := open(t, s, live, path, "t")
		if got := strings.Join(differences(t, r), ","); got != "missing 2,changed 3 v" {
			t.Errorf("got %s", got)
		}
		if len(r.Notes) != 3 {
			t.Errorf("notes %v", r.Notes)
		}
		if _, err := r.Merge(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if got := text(t, s, live, "t"); !strings.Contains(got, "('dflt',2,2.5000,2)") ||
			!strings.Contains(got, "('mine',3,3.5000,3)") {
			t.Errorf("got %s", got)
		}
	})
}

func TestWhatCannotBeComparedIsRefusedBeforeAnythingIsMade(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE heap (id INT)",
			"CREATE TABLE gone (id INT PRIMARY KEY)",
			"CREATE TABLE later (id INT PRIMARY KEY)",
			"DROP TABLE later",
			"INSERT INTO heap VALUES (1)",
		)
		path := backupOf(t, s, live)
		s.Exec(t, live, "CREATE TABLE later (id INT PRIMARY KEY)", "DROP TABLE gone")
		for table, want := range map[string]string{"heap": "no primary key",
			"later": "the backup does not contain the table later", "gone": "has no table gone to compare with → restore a missing " +
				"table with: opsdeck restore --tables gone",
			"haep":  `nor the backup has a table haep → did you mean "heap"?`,
			"zebra": "nor the backup has a table zebra → the tables of the backup: gone, heap"} {
			_, err := Open(t.Context(), Job{Target: target(s), Path: path, Live: live, Table: table})
			said := fmt.Sprint(err)
			if known := (*ops.Error)(nil); errors.As(err, &known) {
				said = known.What.String() + " → " + known.Hint.String()
			}
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s", table, said)
			}
		}
		if left := scratch(t, s); left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
}

func TestManyRowsInBatchesAndAnInterruption(t *testing.T) {
	s := testdb.MySQL(t)
	live := s.Schema(t)
	s.Exec(
		t,
		live,
		"SET cte_max_recursion_depth = 100000",
		"CREATE TABLE t (id VARCHAR(12) PRIMARY KEY, v INT)",
		"INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT "+
			"CONCAT('k', i), i FROM n",
	)
	path := backupOf(t, s, live)
	s.Exec(t, live, "DELETE FROM t WHERE v % 3 = 0", "UPDATE t SET v = 0 WHERE v % 3 = 1")
	r := open(t, s, live, path, "t")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := r.Diff(ctx, func(*restore.Difference) error { cancel(); return ctx.Err() })
	if ops.CodeOf(err) != ops.Interrupted && !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	n, err := r.Merge(t.Context(), all)
	if err != nil || n.Missing != 1000 || n.Changed != 1000 {
		t.Fatalf("%+v %v", n, err)
	}
	n, err = r.Diff(
		t.Context(),
		func(d *restore.Difference) error { return fmt.Errorf("%s is left", r.Common.KeyText(d.Row())) },
	)
	if err != nil || n.Same != 3000 {
		t.Errorf("%+v %v", n, err)
	}
}

func TestTheScratchSchemaGoesAlsoWhenTheLoadIsInterrupted(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE t (id INT PRIMARY KEY)",
			"INSERT INTO t VALUES (1)",
			"CREATE DATABASE opsdeck_rescue_20200101_000000_000",
			"CREATE DATABASE opsdeck_rescue_kept_20200101_000000_000",
		)
		path := backupOf(t, s, live)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Open(
			ctx,
			Job{Target: target(s), Path: path, Live: live, Table: "t", Report: func(ops.Progress) { cancel() }},
		)
		if ops.CodeOf(err) != ops.Interrupted {
			t.Errorf("interrupted: %v", err)
		}
		if left := scratch(t, s); left != "opsdeck_rescue_kept_20200101_000000_000" {
			t.Errorf("what a killed run left goes, what was to be kept stays: %s", left)
		}
		s.Exec(t, "", "DROP DATABASE opsdeck_rescue_kept_20200101_000000_000")
	})
}

func TestATableOfAForeignDump(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))",
			"CREATE TABLE u (id INT PRIMARY KEY)",
			"INSERT INTO t VALUES (1, '千'), (2, 'b')",
		)
		path := filepath.Join(t.TempDir(), "dump.sql")
		if err := os.WriteFile(path, s.Dump(t, "--databases", live), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, live, "DELETE FROM t WHERE id = 1")
		r, err := Open(t.Context(), Job{Target: target(s), Path: path, Live: live, From: live, Table: "t"})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if n, err := r.Merge(t.Context(), all); err != nil || n.Missing != 1 {
			t.Errorf("%+v %v", n, err)
		}
		if got := text(t, s, live, "t"); !strings.Contains(got, "(1,'千')") {
			t.Errorf("got %s", got)
		}
	})
}

func TestWhatWouldNotComeOutAsInTheBackupIsTakenBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, c := range []struct{ name, damage, want string }{
			{"trigger", "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 'other'", "row 2 differs from the backup"},
			{"unique", "INSERT INTO t VALUES (9, NULL, 'b')", "row 2 of t has a unique value that another row has now"},
			{"refused", "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT " +
				"= 'no rows today'", "row 2 of t cannot be merged"},
		} {
			live := s.Schema(t)
			s.Exec(
				t,
				live,
				"CREATE TABLE t (id INT PRIMARY KEY, up INT, v VARCHAR(9) UNIQUE)",
				"INSERT INTO t VALUES (1, NULL, 'a'), (2, NULL, 'b'), (3, NULL, 'c')",
			)
			path := backupOf(t, s, live)
			s.Exec(t, live, "DELETE FROM t WHERE id = 2", "UPDATE t SET v = 'x' WHERE id = 3", c.damage)
			before := text(t, s, live, "t")
			r := open(t, s, live, path, "t")
			if n, err := r.Merge(t.Context(), all); err == nil || !strings.Contains(err.Error(), c.want) ||
				n != (restore.RescueTally{}) {
				t.Errorf("%s: %+v %v", c.name, n, err)
			}
			if after := text(t, s, live, "t"); after != before {
				t.Errorf("%s: got\n%s\nwant\n%s", c.name, after, before)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			r.made = false
		}
	})
}

func TestARowThatChangedSinceItWasComparedIsLeftAlone(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(t, live, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 1), (2, 2)")
		path := backupOf(t, s, live)
		s.Exec(t, live, "UPDATE t SET v = 0")
		r := open(t, s, live, path, "t")
		conn, err := r.session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		m := &merger{Session: r, conn: conn}
		if _, err := r.Diff(t.Context(),
			func(d *restore.Difference) error { return m.add(t.Context(), d) }); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, live, "UPDATE t SET v = 77 WHERE id = 2")
		if err := m.flush(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "row 2 of t changed after it was compared") {
			t.Errorf("%v", err)
		}
		if got := text(t, s, live, "t"); !strings.Contains(got, "(1,0)") || !strings.Contains(got, "(2,77)") {
			t.Errorf("got %s", got)
		}
	})
}

func TestRowsThatReferToEachOtherComeBack(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(
			t,
			live,
			"CREATE TABLE t (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES t (id))",
			"INSERT INTO t VALUES (3, NULL), (2, 3), (1, 2)",
		)
		path := backupOf(t, s, live)
		s.Exec(t, live, "DELETE FROM t WHERE id = 1", "DELETE FROM t WHERE id = 2", "DELETE FROM t")
		r := open(t, s, live, path, "t")
		if n, err := r.Merge(t.Context(), all); err != nil || n.Missing != 3 {
			t.Errorf("%+v %v", n, err)
		}
	})
}

// TestAKeyThatDiffersInCaseIsTheSameRow: the server takes 'a' and 'A' for one key where the
// collation ignores case, and for two where it does not.
func TestAKeyThatDiffersInCaseIsTheSameRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(t, live, "CREATE TABLE ci (k VARCHAR(10) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)",
			"CREATE TABLE cs (k VARCHAR(10) COLLATE utf8mb4_bin PRIMARY KEY, v INT)",
			"INSERT INTO ci VALUES ('B', 1), ('a', 1), ('c', 1), ('é', 1)", "INSERT INTO cs SELECT * FROM ci")
		path := backupOf(t, s, live)
		for _, table := range []string{"ci", "cs"} {
			s.Exec(t, live, "UPDATE "+table+" SET k = 'A' WHERE k = 'a'", "UPDATE "+table+" SET k = 'b', v = 2 WHERE k = 'B'",
				"UPDATE "+table+" SET k = 'E' WHERE k = 'é'", "DELETE FROM "+table+" WHERE k = 'c'")
		}
		for table, want := range map[string]string{
			"ci": "changed B k v, changed a k, missing c, changed é k",
			"cs": "added A, missing B, added E, missing a, added b, missing c, missing é",
		} {
			t.Run(table, func(t *testing.T) {
				if got := strings.Join(differences(t, open(t, s, live, path, table)), ", "); got != want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		}
		r := open(t, s, live, path, "ci")
		if n, err := r.Merge(t.Context(), all); err != nil || n != (restore.RescueTally{Missing: 1, Changed: 3}) {
			t.Errorf("%+v %v", n, err)
		}
		if got := differences(t, r); got != nil {
			t.Errorf("after the merge: %q", got)
		}
	})
}

// TestAKeyWithNamedMembersIsMerged: an ENUM and a SET in a key of several columns.
func TestAKeyWithNamedMembersIsMerged(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(t, live, "CREATE TABLE k (e ENUM('','b','2','a'), s SET('x','y','1'), i INT, v INT, PRIMARY KEY (e, s, i))",
			"INSERT INTO k VALUES ('','x',1,1),('b','x,y',1,1),('b','',1,1),('2','1',2,1),('a','y',1,1)")
		path := backupOf(t, s, live)
		s.Exec(t, live, "DELETE FROM k WHERE e = 'b'", "UPDATE k SET v = 2 WHERE e IN ('', '2')")
		r := open(t, s, live, path, "k")
		if n, err := r.Merge(t.Context(), all); err != nil || n != (restore.RescueTally{Missing: 2, Changed: 2}) {
			t.Errorf("%+v %v", n, err)
		}
		if got := differences(t, r); got != nil {
			t.Errorf("after the merge: %q", got)
		}
	})
}

// TestAColumnThatIsGoneIsNamed: its values are in no row that is merged.
func TestAColumnThatIsGoneIsNamed(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := s.Schema(t)
		s.Exec(t, live, "CREATE TABLE p (id INT PRIMARY KEY, v VARCHAR(9), w INT)", "INSERT INTO p VALUES (1, 'p1', 7)")
		path := backupOf(t, s, live)
		t.Run("whole", func(t *testing.T) {
			if r := open(t, s, live, path, "p"); r.Skipped != nil {
				t.Errorf("nothing is gone, and %q is named", r.Skipped)
			}
		})
		s.Exec(t, live, "ALTER TABLE p DROP COLUMN v", "DELETE FROM p")
		r := open(t, s, live, path, "p")
		if len(r.Skipped) != 1 || r.Skipped[0] != "v" || !strings.Contains(r.Notes[0].String(), "no longer has the column v") {
			t.Errorf("skipped %q, notes %v", r.Skipped, r.Notes)
		}
	})
}
