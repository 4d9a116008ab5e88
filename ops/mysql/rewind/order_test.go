package rewind

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	"opsdeck/ops/mysql/changes"
	"opsdeck/ops/mysql/schema"
)

// TestKeysLetTheRowsOfATransactionBeTakenBack has transactions in which a row is changed
// several times, so that what it became over all of them is not in the order of the keys.
func TestKeysLetTheRowsOfATransactionBeTakenBack(t *testing.T) {
	cases := []struct {
		name          string
		tables, begin []string
		txn           []string
	}{
		{
			"parent, child, parent", []string{
				"CREATE TABLE p (id INT PRIMARY KEY, v INT)",
				"CREATE TABLE c (id INT PRIMARY KEY, pid INT, FOREIGN KEY (pid) REFERENCES p (id) ON DELETE CASCADE)",
				"CREATE TABLE r (id INT PRIMARY KEY, pid INT, FOREIGN KEY (pid) REFERENCES p (id))",
			}, []string{"INSERT INTO p VALUES (1,1)", "INSERT INTO c VALUES (1,1)"},
			[]string{
				"INSERT INTO p VALUES (2,2)", "INSERT INTO c VALUES (2,2)", "INSERT INTO r VALUES (2,2)",
				"UPDATE c SET pid=2 WHERE id=1", "UPDATE p SET v=9",
			},
		},
		{
			"deleted after a change", []string{
				"CREATE TABLE p (id INT PRIMARY KEY, v INT)",
				"CREATE TABLE c (id INT PRIMARY KEY, pid INT, v INT, FOREIGN KEY (pid) REFERENCES p (id))",
			}, []string{"INSERT INTO p VALUES (1,1),(2,2)", "INSERT INTO c VALUES (1,1,1),(2,1,1)"},
			[]string{"UPDATE c SET pid=2, v=2 WHERE id=1", "DELETE FROM c WHERE id=2", "DELETE FROM p WHERE id=1",
				"UPDATE c SET v=3 WHERE id=1"},
		},
		{
			"a tree of its own", []string{
				"CREATE TABLE p (id INT PRIMARY KEY, up INT, v INT, FOREIGN KEY (up) REFERENCES p (id))",
			}, []string{"INSERT INTO p VALUES (1,NULL,1)"},
			[]string{
				"INSERT INTO p VALUES (2,1,1),(3,2,1),(4,3,1)", "UPDATE p SET v=2 WHERE id=2", "UPDATE p SET v=2 WHERE id=3",
				"INSERT INTO p VALUES (5,5,1)",
			},
		},
		{
			"a circle", []string{
				"CREATE TABLE p (id INT PRIMARY KEY, c INT)",
				"CREATE TABLE c (id INT PRIMARY KEY, pid INT NOT NULL, FOREIGN KEY (pid) REFERENCES p (id))",
				"ALTER TABLE p ADD FOREIGN KEY (c) REFERENCES c (id)",
			}, nil,
			[]string{"INSERT INTO p VALUES (1,NULL)", "INSERT INTO c VALUES (1,1)", "UPDATE p SET c=1"},
		},
		{
			"a unique value", []string{"CREATE TABLE p (id INT PRIMARY KEY, u VARCHAR(9) UNIQUE, v INT)"},
			[]string{"INSERT INTO p VALUES (1,'a',1)"},
			[]string{"UPDATE p SET u='b'", "INSERT INTO p VALUES (2,'A',1)", "UPDATE p SET v=5 WHERE id=1"},
		},
		{
			"unique values exchanged", []string{
				"CREATE TABLE p (id INT PRIMARY KEY, u INT NOT NULL UNIQUE, v INT)",
				"CREATE TABLE c (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES p (u))",
			},
			[]string{"INSERT INTO p VALUES (1,10,1),(2,20,2),(3,30,3)", "INSERT INTO c VALUES (1,30)"},
			[]string{"UPDATE p SET u=0 WHERE id=1", "UPDATE p SET u=10 WHERE id=2", "UPDATE p SET u=20 WHERE id=1",
				"INSERT INTO p VALUES (9,9,9)", "UPDATE p SET v=7 WHERE id=3"},
		},
		{
			"keys exchanged, unique values too", []string{"CREATE TABLE p (id INT PRIMARY KEY, u INT UNIQUE, v INT)"},
			[]string{"INSERT INTO p VALUES (1,10,1),(2,20,2),(3,30,3)"},
			[]string{"UPDATE p SET id=0 WHERE id=1", "UPDATE p SET id=1 WHERE id=2", "UPDATE p SET id=2 WHERE id=0",
				"UPDATE p SET id=id+1 ORDER BY id DESC", "DELETE FROM p WHERE id=4"},
		},
		{
			"what a collation takes for the same", []string{"CREATE TABLE p (id INT PRIMARY KEY, u VARCHAR(9) UNIQUE) " +
				"CHARSET utf8mb4 COLLATE utf8mb4_general_ci"},
			[]string{"INSERT INTO p VALUES (1,'e'),(2,'b')"},
			[]string{"UPDATE p SET u='x' WHERE id=1", "UPDATE p SET u='É' WHERE id=2", "UPDATE p SET u='B ' WHERE id=1"},
		},
	}
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				db := s.Schema(t)
				row := []string{"SET SESSION binlog_format=ROW, foreign_key_checks=1"}
				s.Exec(t, db, slices.Concat(row, c.tables, c.begin)...)
				before := contents(t, s, db)
				s.Exec(t, db, slices.Concat(row, []string{"BEGIN"}, c.txn, []string{"COMMIT"})...)
				after := contents(t, s, db)
				src, id := newest(t, s, db)
				conn := connection(t, s, db)
				p, err := Make(t.Context(), src, conn, db, Request{Txns: []string{id}})
				if err != nil || p.Conflicts() != 0 {
					t.Fatalf("%+v, %v", p, err)
				}
				var kept bytes.Buffer
				keep := func(n int, changes Changes) error { return WriteInverse(&kept, n, changes) }
				_, err = p.Run(t.Context(), conn, "", keep)
				if got := contents(t, s, db); err != nil || got != before {
					t.Fatalf("%s\nwant\n%s\n%v", got, before, err)
				}
				inverse, err := readAll(&kept)
				if err != nil {
					t.Fatal(err)
				}
				back, err := Back(t.Context(), conn, db, "x", changesOf(inverse), nil, Place{})
				if err != nil || back.Conflicts() != 0 {
					t.Fatalf("%+v, %v", back, err)
				}
				_, err = back.Run(t.Context(), conn, "", forget)
				if got := contents(t, s, db); err != nil || got != after {
					t.Fatalf("%s\nwant\n%s\n%v", got, after, err)
				}
				if on, err := schema.One(t.Context(), conn, "SELECT @@foreign_key_checks"); err != nil || on != "1" {
					t.Errorf("foreign keys are %s, %v", on, err)
				}
			})
		}
	})
}

// TestACircleLeavesNoRowWithoutItsParent deletes the parent of a circle meanwhile: with
// the foreign keys off the server would not notice.
func TestACircleLeavesNoRowWithoutItsParent(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "SET SESSION binlog_format=ROW, foreign_key_checks=1",
			"CREATE TABLE g (id INT PRIMARY KEY)",
			"CREATE TABLE p (id INT PRIMARY KEY, c INT, g INT, FOREIGN KEY (g) REFERENCES g (id))",
			"CREATE TABLE c (id INT PRIMARY KEY, pid INT, FOREIGN KEY (pid) REFERENCES p (id))",
			"ALTER TABLE p ADD FOREIGN KEY (c) REFERENCES c (id)",
			"INSERT INTO g VALUES (1)", "INSERT INTO p VALUES (1,NULL,1)", "INSERT INTO c VALUES (1,1)",
			"UPDATE p SET c=1",
			"BEGIN", "UPDATE p SET c=NULL", "DELETE FROM c", "DELETE FROM p", "COMMIT")
		src, id := newest(t, s, db)
		s.Exec(t, db, "DELETE FROM g")
		conn := connection(t, s, db)
		p, err := Make(t.Context(), src, conn, db, Request{Txns: []string{id}})
		if err != nil || p.Len() != 2 {
			t.Fatalf("%+v, %v", p, err)
		}
		_, err = p.Run(t.Context(), conn, "", forget)
		var refused *RefusedError
		if !errors.As(err, &refused) || !refused.Orphans {
			t.Fatalf("%v", err)
		}
		if got := contents(t, s, db); strings.Contains(got, "(") {
			t.Errorf("something was done: %s", got)
		}
		s.Exec(t, db, "INSERT INTO g VALUES (1)")
		if _, err := p.Run(t.Context(), conn, "", forget); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, s, db); !strings.Contains(got, "p (1,1,1)") || !strings.Contains(got, "c (1,1)") {
			t.Errorf("%s", got)
		}
	})
}

// takenBack runs a transaction and rewinds it: the database is as before, without a conflict.
func takenBack(t *testing.T, s *testdb.Server, db, txn, before string) {
	t.Helper()
	s.Exec(t, db, "SET SESSION binlog_format=ROW", txn)
	src, id := newest(t, s, db)
	conn := connection(t, s, db)
	p, err := Make(t.Context(), src, conn, db, Request{Txns: []string{id}})
	if err != nil || p.Conflicts() != 0 {
		t.Fatalf("%s: %v, %d conflicts", txn, err, p.Conflicts())
	}
	_, err = p.Run(t.Context(), conn, "", forget)
	if got := contents(t, s, db); err != nil || got != before {
		t.Fatalf("%s: %s\nwant\n%s\n%v", txn, got, before, err)
	}
}

// TestAFloatKeyFindsItsRow: 0.1 as a FLOAT is not 0.1 as the server compares it.
func TestAFloatKeyFindsItsRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "SET SESSION binlog_format=ROW",
			"CREATE TABLE k (f FLOAT, z INT(5) ZEROFILL, d DOUBLE, v INT, PRIMARY KEY (f, z, d))",
			"INSERT INTO k VALUES (0.1,7,0.1,1),(3.4e38,1,1e-9,1),(-0.30000001,0,-1,1),(16777217,1,0,1),(1.1,2,0,1)")
		before := contents(t, s, db)
		for _, txn := range []string{
			"UPDATE k SET v=2", "UPDATE k SET f=f/3, v=3", "DELETE FROM k", "INSERT INTO k VALUES (0.7,1,0.7,9)",
		} {
			takenBack(t, s, db, txn, before)
		}
		s.Exec(t, db, "SET SESSION binlog_format=ROW", "UPDATE k SET v=2")
		src, id := newest(t, s, db)
		s.Exec(t, db, "UPDATE k SET v=7 WHERE z=7")
		p, err := Make(t.Context(), src, connection(t, s, db), db, Request{Txns: []string{id}})
		if err != nil || p.Conflicts() != 1 {
			t.Errorf("one row was changed since: %d conflicts, %v", p.Conflicts(), err)
		}
	})
}

// TestAKeyWithNamedMembersFindsItsRow: in a key of several columns MySQL compares an ENUM or a SET
// with a number as text.
func TestAKeyWithNamedMembersFindsItsRow(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "SET SESSION binlog_format=ROW",
			"CREATE TABLE k (e ENUM('','b','2','a'), s SET('x','y','1'), i INT, v INT, PRIMARY KEY (e, s, i))",
			"INSERT INTO k VALUES ('','x',1,1),('b','x,y',1,1),('b','',1,1),('2','1',2,1),('a','y',1,1)")
		before := contents(t, s, db)
		for _, txn := range []string{
			"UPDATE k SET v=2", "UPDATE k SET e='a', i=i+LENGTH(CONCAT(e,s))*10, v=3", "DELETE FROM k",
			"INSERT INTO k VALUES ('2','y',7,9)",
		} {
			takenBack(t, s, db, txn, before)
		}
	})
}

// TestCompressedColumnsAreTakenBack: MariaDB's columns that are compressed, of lengths with one to
// three bytes.
func TestCompressedColumnsAreTakenBack(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "SET SESSION binlog_format=ROW",
		"CREATE TABLE k (id INT PRIMARY KEY, t LONGTEXT COMPRESSED, v VARBINARY(2000) COMPRESSED)")
	for i, n := range []int{0, 1, 90, 255, 256, 257, 512, 1023, 1999, 65535, 65536, 65792, 300_000} {
		s.Exec(t, db, "SET SESSION binlog_format=ROW", fmt.Sprintf("INSERT INTO k VALUES (%d, LEFT(CONCAT(MD5(%d), "+
			"REPEAT('ab1', %d)), %d), LEFT(CONCAT(UNHEX(SHA1(%d)), REPEAT('x', 2000)), %d))", i, i, n, n, i, min(n, 2000)))
	}
	s.Exec(t, db, "SET SESSION binlog_format=ROW", "INSERT INTO k VALUES (99, NULL, NULL)")
	before := contents(t, s, db)
	for _, txn := range []string{"DELETE FROM k", "UPDATE k SET t = 'x', v = REPEAT('y', 700)"} {
		takenBack(t, s, db, txn, before)
	}
}

// TestATableWithoutTransactionsIsLeftAlone: what fails halfway there could not be taken back.
// The numbers of a sequence, which MariaDB logs as rows, stay given.
func TestATableWithoutTransactionsIsLeftAlone(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(t, db, "SET SESSION binlog_format=ROW", "CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM",
			"CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO m VALUES (1)")
		src, id := newest(t, s, db)
		_, err := Make(t.Context(), src, connection(t, s, db), db, Request{Txns: []string{id}})
		if !errors.Is(err, ErrEngine) {
			t.Fatalf("%v", err)
		}
		if s.Flavour != "mariadb" {
			return
		}
		s.Exec(t, db, "SET SESSION binlog_format=ROW", "CREATE SEQUENCE n NOCACHE", "BEGIN",
			"INSERT INTO p SELECT NEXTVAL(n)", "COMMIT")
		src, id = newest(t, s, db)
		conn := connection(t, s, db)
		p, err := Make(t.Context(), src, conn, db, Request{Txns: []string{id}, Table: "p"})
		if err == nil {
			_, err = p.Run(t.Context(), conn, "", forget)
		}
		if got := contents(t, s, db); err != nil || strings.Contains(got, "p (") {
			t.Errorf("%v\n%s", err, got)
		}
	})
}

// forget keeps no changes of a run.
func forget(int, Changes) error { return nil }

// contents are a schema's rows, by the dump program's word.
func contents(t *testing.T, s *testdb.Server, db string) string {
	t.Helper()
	var lines []string
	dump := s.Dump(t, "--skip-extended-insert", "--order-by-primary", "--no-create-info", db)
	for line := range strings.Lines(string(dump)) {
		if row, ok := strings.CutPrefix(line, "INSERT INTO "); ok {
			lines = append(lines, strings.NewReplacer("`", "", " VALUES", "").Replace(row))
		}
	}
	slices.Sort(lines) // rows without a key have no order
	return strings.Join(lines, "")
}

// newest is the newest transaction of a schema.
func newest(t *testing.T, s *testdb.Server, db string) (*changes.Source, string) {
	t.Helper()
	to := mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
	src, err := changes.Open(t.Context(), binarchive.Folder{Dir: t.TempDir()}, nil, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	id := ""
	err = src.List(t.Context(), changes.Query{Query: binlog.Query{Filter: binlog.Filter{Schema: db}}},
		func(txn *binlog.Transaction) error { id = cmp.Or(id, txn.ID); return nil })
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	return src, id
}
