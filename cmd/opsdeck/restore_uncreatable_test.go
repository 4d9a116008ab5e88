package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// uncreatableDump has one object of each way in which a server may refuse it, and two
// that depend on a refused one.
const uncreatableDump = `-- MySQL dump 10.13
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(80)) ENGINE=InnoDB;
INSERT INTO customers VALUES (1,'a'),(2,'b');
CREATE TABLE orders (id INT PRIMARY KEY, c INT) ENGINE=InnoDB;
INSERT INTO orders VALUES (1,1);
CREATE TABLE rocks (id INT PRIMARY KEY) ENGINE=NoSuchEngine;
INSERT INTO rocks VALUES (1),(2);
CREATE TABLE cold (id INT PRIMARY KEY) ENGINE=S3;
CREATE TABLE words (a VARCHAR(9)) ENGINE=InnoDB COLLATE=utf8mb4_no_such_ci;
CREATE TABLE parsed (a VARCHAR(9), FULLTEXT KEY (a) WITH PARSER no_such_parser) ENGINE=InnoDB;
CREATE TRIGGER rocks_bi BEFORE INSERT ON rocks FOR EACH ROW SET NEW.id = 1;
CREATE VIEW calls AS SELECT no_such_function(id) AS x FROM customers;
CREATE VIEW sees AS SELECT id FROM rocks;
CREATE VIEW fine AS SELECT id FROM customers;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
-- Dump completed on 2026-01-02  2:00:00
`

// TestWhatTheServerCannotCreateIsFoundByThePlan: each refused object is named before the
// service is stopped, and is left out only if it was accepted by name.
func TestWhatTheServerCannotCreateIsFoundByThePlan(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "DROP TABLE ar_invoices")
		before := s.dump()
		s.write("other.sql", uncreatableDump)
		from := s.dir + "/other.sql"
		refused := []string{"table rocks", "table cold", "table words", "table parsed", "view calls", "view sees",
			"trigger rocks_bi"}
		o := s.run("restore", "--from", from, "--confirm", s.live)
		if o.code != 1 || !s.running() {
			t.Fatalf("exit %d, service running %v\n%s", o.code, s.running(), o.err)
		}
		var names []string
		for _, object := range refused {
			if !strings.Contains(o.err, "the server cannot create the "+object+": ") {
				t.Errorf("%s is not named\n%s", object, o.err)
			}
			names = append(names, strings.Fields(object)[1])
		}
		for _, object := range []string{"table customers", "view fine"} {
			if strings.Contains(o.err, "cannot create the "+object) {
				t.Errorf("%s is named\n%s", object, o.err)
			}
		}
		sameDump(t, before, s.dump())
		some := strings.Join(names[1:], ",")
		s.refuses("cannot create the table rocks", "restore", "--from", from, "--confirm", s.live, "--accept-missing",
			some)
		if got := s.sides(); len(got) > 0 {
			t.Fatalf("left behind: %v", got)
		}
		s.must("restore", "--from", from, "--confirm", s.live, "--accept-missing", strings.Join(names, ",")+
			",total_of,order_names,orders_bi,nightly") // what the dump does not carry at all
		if report := s.must("restore", "report").out; !strings.Contains(report, "left out: table rocks, table cold") {
			t.Errorf("the report does not tell what is left out\n%s", report)
		}
		var got []string
		rows, err := db.Open(t,
			s.live).Query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? "+
			"ORDER BY 1", s.live)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		if want := []string{"customers", "fine", "orders"}; rows.Err() != nil || !slices.Equal(got, want) {
			t.Errorf("%v is live, want %v (%v)", got, want, rows.Err())
		}
	})
}

// TestABackupOfAnotherServerIsTriedBeforeTheStop: a backup with a manifest whose tables
// need what only the other server has.
func TestABackupOfAnotherServerIsTriedBeforeTheStop(t *testing.T) {
	from := newSite(t, testdb.MySQL(t))
	from.db.Exec(t, from.live, "CREATE TABLE odd (a VARCHAR(9) COLLATE utf8mb4_0900_as_cs, KEY ((UPPER(a))))",
		"INSERT INTO odd VALUES ('x')")
	from.must("backup", "create")
	s := newSite(t, testdb.MariaDB11(t))
	made := from.backups()
	if len(made) != 1 {
		t.Fatal(made)
	}
	args := []string{"restore", "--from", filepath.Join(from.dir, "backups", made[0]), "--from-schema", from.live,
		"--confirm", s.live}
	o := s.run(args...)
	if o.code != 1 || !strings.Contains(o.err, "the server cannot create the table odd: ") || !s.running() {
		t.Fatalf("exit %d\n%s", o.code, o.err)
	}
	o = s.must(append(args, "--accept-missing", "odd")...)
	if !strings.Contains(o.err, "left out, as accepted: table odd") {
		t.Errorf("it is not told\n%s", o.err)
	}
	var n int
	if err := s.db.Open(t, s.live).QueryRow("SELECT COUNT(*) FROM customers").Scan(&n); err != nil || n != 2 {
		t.Errorf("%d customers: %v", n, err)
	}
}
