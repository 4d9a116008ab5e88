package drill

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/opstest"
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

// production makes a schema whose objects name it and would change it if a drill
// let them.
func production(t *testing.T, s *testdb.Server) string {
	db := s.Schema(t)
	s.Exec(
		t,
		db,
		"CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))",
		"CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, note TEXT, CONSTRAINT fk_c FOREIGN KEY "+
			"(customer_id) REFERENCES customers (id))",
		"INSERT INTO customers (name) VALUES ('千张'), ('b'), ('c')",
		"INSERT INTO orders VALUES (1, 1, 'a;b'), (2, 3, 'USE `"+db+"`;'), (3, NULL, NULL)",
		"CREATE VIEW v AS SELECT c.name FROM "+db+".customers c",
		"CREATE TRIGGER tr BEFORE INSERT ON orders FOR EACH ROW SET NEW.note = CONCAT('t', NEW.note)",
		"CREATE PROCEDURE wipe() DELETE FROM "+db+".orders",
		"CREATE EVENT boom ON SCHEDULE EVERY 1 SECOND DO DELETE FROM "+db+".orders WHERE id > 100",
	)
	return db
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

var dated = regexp.MustCompile(`(?m)^-- (Dump completed|MySQL dump|MariaDB dump|Host).*$`)

func contents(t *testing.T, s *testdb.Server, db string) string {
	args := []string{"--routines", "--events", "--triggers", "--databases", db}
	if s.Flavour == "mysql" {
		args = append([]string{"--set-gtid-purged=OFF"}, args...)
	}
	return dated.ReplaceAllString(string(s.Dump(t, args...)), "")
}

func scratch(t *testing.T, s *testdb.Server) (names []string) {
	db := s.Open(t, "")
	rows, err := db.Query(
		"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'opsdeck\\_drill\\_%'",
	)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n string
		rows.Scan(&n)
		names = append(names, n)
	}
	return names
}

func TestADrillProvesTheBackupAndNeverTouchesTheSource(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := production(t, s)
		before := contents(t, s, live)
		path := backupOf(t, s, live)
		for _, c := range []struct {
			scenario string
			job      Job
			tables   int
		}{
			{backup.WholeDatabase, Job{}, 2},
			{backup.SingleTable, Job{Table: "customers"}, 1},
			{backup.NewDatabase, Job{Schema: live + "_rehearsal"}, 2},
		} {
			c.job.Target, c.job.Path, c.job.Live = target(s), path, live
			r, err := Run(context.Background(), c.job)
			if err != nil {
				t.Fatal(err)
			}
			if r.Result != backup.Passed || r.Scenario != c.scenario || r.Tables != c.tables || r.RestoreMS <= 0 ||
				r.TookMS < r.RestoreMS ||
				r.SizeBytes <= 0 ||
				r.Database != live {
				t.Errorf("%s: %+v", c.scenario, r)
			}
		}
		if after := contents(t, s, live); after != before {
			t.Errorf("the source changed:\n%s\n---\n%s", before, after)
		}
		if left := scratch(t, s); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestADrillOfAForeignDumpThatSaysUseProd(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := production(t, s)
		text := s.Dump(t, "--routines", "--events", "--triggers", "--databases", live)
		if !bytes.Contains(text, []byte("USE `"+live+"`")) {
			t.Fatal("the dump does not say USE")
		}
		path := filepath.Join(t.TempDir(), live+"_20260129_020000.sql.gz")
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		w.Write(text)
		w.Close()
		os.WriteFile(path, z.Bytes(), 0o600)
		before := contents(t, s, live)
		r, err := Run(context.Background(), Job{Target: target(s), Path: path, Live: live, From: live})
		if err != nil {
			t.Fatal(err)
		}
		if r.Result != backup.Passed || r.Rows != 6 {
			t.Errorf("%+v", r)
		}
		if after := contents(t, s, live); after != before {
			t.Error("the source changed")
		}
		if left := scratch(t, s); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestADrillFindsWhatIsNotAsTheManifestSays(t *testing.T) {
	s := testdb.MariaDB(t)
	live := production(t, s)
	path := backupOf(t, s, live)
	m, err := backup.ReadManifest(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Tables {
		if m.Tables[i].Name == "orders" {
			m.Tables[i].Checksum = strings.Repeat("0", len(m.Tables[i].Checksum))
		}
	}
	if err := opstest.WriteManifest(filepath.Dir(path), m); err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), Job{Target: target(s), Path: path, Live: live})
	if err != nil || r.Result != backup.Failed || !strings.Contains(r.Remark, "orders differs") {
		t.Errorf("%v %+v", err, r)
	}
	if left := scratch(t, s); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestADrillFindsRowsThatReferToNothing(t *testing.T) {
	s := testdb.MariaDB(t)
	live := production(t, s)
	text := string(s.Dump(t, "--databases", live))
	text = strings.Replace(text, "(2,3,", "(2,77,", 1)
	if !strings.Contains(text, "(2,77,") {
		t.Fatal("the row is written otherwise")
	}
	path := filepath.Join(t.TempDir(), "x.sql")
	os.WriteFile(path, []byte(text), 0o600)
	r, err := Run(context.Background(), Job{Target: target(s), Path: path, Live: live, From: live})
	if err != nil || r.Result != backup.Passed || !strings.Contains(r.Remark, "(foreign key fk_c), as in the backup") {
		t.Errorf("%v %+v", err, r)
	}
}

func TestADrillBeginsOnlyWhereItCanEnd(t *testing.T) {
	s := testdb.MariaDB(t)
	live := production(t, s)
	path := backupOf(t, s, live)
	other := s.Schema(t)
	for name, job := range map[string]Job{
		"the live schema":     {Schema: live},
		"in other letters":    {Schema: strings.ToUpper(live)},
		"one that is there":   {Schema: other},
		"no room on the disk": {free: func(context.Context, *sql.Conn, mysql.Target) (int64, bool) { return 10, true }},
		"no backup":           {Path: path + "x"},
	} {
		t.Run(name, func(t *testing.T) {
			job.Target, job.Live = target(s), live
			if job.Path == "" {
				job.Path = path
			}
			before := contents(t, s, live)
			_, err := Run(context.Background(), job)
			var e *ops.Error
			if !errors.As(err, &e) {
				t.Errorf("%v", err)
			}
			if contents(t, s, live) != before {
				t.Error("the source changed")
			}
		})
	}
}

// TestTwoDrillsNeverLoadIntoOneSchema lets another connection hold what a drill holds.
func TestTwoDrillsNeverLoadIntoOneSchema(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		live := production(t, s)
		other, err := s.Open(t, "").Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := other.ExecContext(t.Context(), "DO GET_LOCK('opsdeck_drill_here', 0)"); err != nil {
			t.Fatal(err)
		}
		_, err = Run(t.Context(),
			Job{Target: target(s), Live: live, Path: backupOf(t, s, live), Schema: "opsdeck_drill_here"})
		var e *ops.Error
		if !errors.As(err, &e) || e.Code != ops.Busy {
			t.Fatalf("%v", err)
		}
	})
}

func TestAStoppedDrillLeavesNothing(t *testing.T) {
	s := testdb.MariaDB(t)
	live := production(t, s)
	path := backupOf(t, s, live)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, Job{Target: target(s), Path: path, Live: live, Report: func(ops.Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := scratch(t, s); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestADrillSweepsUpAfterOneThatWasKilled(t *testing.T) {
	s := testdb.MariaDB(t)
	live := production(t, s)
	s.Exec(t, "", "CREATE DATABASE opsdeck_drill_20200101_000000", "CREATE DATABASE opsdeck_drill_notes")
	defer s.Exec(t, "", "DROP DATABASE opsdeck_drill_notes")
	r, err := Run(
		context.Background(),
		Job{
			Target: target(s),
			Path:   backupOf(t, s, live),
			Live:   live,
			Now:    func() time.Time { return time.Unix(1769652000, 0) },
		},
	)
	if err != nil || r.Result != backup.Passed || !strings.Contains(r.Remark, "opsdeck_drill_20200101_000000") {
		t.Errorf("%v %+v", err, r)
	}
	if left := scratch(t, s); len(left) != 1 || left[0] != "opsdeck_drill_notes" {
		t.Errorf("left: %v", left)
	}
}

// TestAServerThatCannotLoadTheBackupIsNoVerdict: the same file passes where it was made.
func TestAServerThatCannotLoadTheBackupIsNoVerdict(t *testing.T) {
	made := testdb.MySQL(t)
	other := testdb.MariaDB(t)
	db := made.Schema(t)
	made.Exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY sum ((a + id)))", "INSERT INTO t VALUES (1, 2)")
	path := backupOf(t, made, db)
	d, err := Run(t.Context(), Job{Target: target(made), Path: path, Live: db})
	if err != nil || d.Result != backup.Passed {
		t.Errorf("on its own server: %+v %v", d, err)
	}
	_, err = Run(t.Context(), Job{Target: target(other), Path: path, Live: db})
	if err == nil || !strings.Contains(err.Error(), "this does not mean that the backup is bad") {
		t.Errorf("on another server: %v", err)
	}
}

// TestASettingOfTheServerIsNoVerdict: a key that only newer formats of rows can hold, on a
// server whose default was changed since.
func TestASettingOfTheServerIsNoVerdict(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(400) CHARACTER SET utf8mb4, KEY (a))",
			"INSERT INTO t VALUES (1, 'a')")
		path := backupOf(t, s, db)
		s.Exec(t, "", "SET GLOBAL innodb_default_row_format = redundant")
		defer s.Exec(t, "", "SET GLOBAL innodb_default_row_format = dynamic")
		_, err := Run(t.Context(), Job{Target: target(s), Path: path, Live: db})
		if err == nil || !strings.Contains(err.Error(), "this does not mean that the backup is bad") {
			t.Errorf("%v", err)
		}
		s.Exec(t, "", "SET GLOBAL innodb_default_row_format = dynamic")
		d, err := Run(t.Context(), Job{Target: target(s), Path: path, Live: db})
		if err != nil || d.Result != backup.Passed {
			t.Errorf("as advised: %+v %v", d, err)
		}
	})
}

// TestAWarningOfCheckTableIsNoFault: CHECK TABLE warns of a row 0 in a MyISAM table with an
// AUTO_INCREMENT key, and calls it OK.
func TestAWarningOfCheckTableIsNoFault(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
			"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT) ENGINE=MyISAM",
			"INSERT INTO t VALUES (0, 1), (3, NULL)")
		d, err := Run(t.Context(), Job{Target: target(s), Path: backupOf(t, s, db), Live: db})
		if err != nil || d.Result != backup.Passed {
			t.Errorf("%+v %v", d, err)
		}
	})
}

// TestWordsOfSqlModeThatChangeNothingAreLeftOut: every routine that MariaDB makes carries
// NO_AUTO_CREATE_USER, which MySQL 8 does not know. The other words of its mode stay: without
// ANSI_QUOTES this one cannot be parsed.
func TestWordsOfSqlModeThatChangeNothingAreLeftOut(t *testing.T) {
	made := testdb.MariaDB(t)
	other := testdb.MySQL(t)
	db := made.Schema(t)
	made.Exec(t, db, "SET SESSION sql_mode = 'ANSI_QUOTES,NO_AUTO_CREATE_USER,NO_FIELD_OPTIONS'",
		"CREATE TABLE t (id INT PRIMARY KEY) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", "INSERT INTO t VALUES (1)",
		`CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN (SELECT COUNT(*) FROM "t")`)
	path := backupOf(t, made, db)
	d, err := Run(t.Context(), Job{Target: target(other), Path: path, Live: db})
	if err != nil || d.Result != backup.Passed {
		t.Fatalf("%+v %v", d, err)
	}
}
