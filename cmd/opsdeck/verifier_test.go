package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// copied are objects that a copy holds in ways of their own, by server: "" is every one.
var copied = map[string][]string{
	"": {
		"CREATE TABLE parent (id INT PRIMARY KEY)", "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) " +
			"REFERENCES parent (id))",
		"SET foreign_key_checks = 0; INSERT INTO child VALUES (1, 99)",
		"CREATE TABLE part1 (a INT) ENGINE=MyISAM", "CREATE TABLE part2 (a INT) ENGINE=MyISAM",
		"INSERT INTO part1 VALUES (1), (2)",
		"CREATE TABLE merged (a INT) ENGINE=MERGE UNION=(part1, part2) INSERT_METHOD=LAST",
		"CREATE TABLE csv_rows (a INT NOT NULL, b VARCHAR(20) NOT NULL) ENGINE=CSV", "INSERT INTO csv_rows VALUES " +
			"(1, 'a,b'), (2, '\"')",
		"CREATE TABLE memory (a INT) ENGINE=MEMORY", "INSERT INTO memory VALUES (7)",
		"CREATE TABLE parts (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN " +
			"(10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
		"INSERT INTO parts VALUES (1, 1), (11, 2)",
		"CREATE TABLE collated (a VARCHAR(9), b ENUM('x'), c TEXT CHARACTER SET latin1 COLLATE latin1_bin, " +
			"d TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
		"INSERT INTO collated VALUES ('a', 'x', 'c', 'd')",
		"CREATE TABLE computed (a INT AS (1 + 1) STORED)", "INSERT INTO computed (a) VALUES (DEFAULT), (DEFAULT)",
	},
	"mysql": {
		"SET sql_generate_invisible_primary_key = 1; CREATE TABLE hidden_key (a INT); INSERT INTO hidden_key VALUES " +
			"(3), (4)",
		"CREATE TABLE hidden (a INT, b INT INVISIBLE DEFAULT 5)", "INSERT INTO hidden (a, b) VALUES (1, 2)",
		"SET sql_mode = 'HIGH_NOT_PRECEDENCE'; CREATE EVENT prefers ON SCHEDULE EVERY 1 MONTH DO DO NOT 1 BETWEEN 0 AND 3",
	},
	"mariadb": {
		"CREATE SEQUENCE sq START WITH 5 INCREMENT BY 3", "SELECT NEXTVAL(sq)",
		"CREATE TABLE sv (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING", "INSERT INTO sv VALUES (1, 1)",
		"UPDATE sv SET v = 2",
		"DELETE FROM sv", "INSERT INTO sv VALUES (2, 2)",
		"CREATE TABLE hidden (a INT, b INT INVISIBLE DEFAULT 5)", "INSERT INTO hidden (a, b) VALUES (1, 2)",
		"CREATE TABLE squeezed (id INT PRIMARY KEY, t TEXT COMPRESSED)", "INSERT INTO squeezed VALUES (1, " +
			"REPEAT('a', 1000))",
	},
}

// engines are tables of engines that not every server has.
var engines = map[string][]string{
	"ARCHIVE": {
		"CREATE TABLE archived (a INT, t TEXT) ENGINE=ARCHIVE",
		"INSERT INTO archived VALUES (1, 'x'), (2, NULL)",
		"CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT) ENGINE=ARCHIVE",
		"INSERT INTO counted (t) VALUES ('x'), (NULL), ('y')", "INSERT INTO counted VALUES (17, 'z')",
	},
	"BLACKHOLE": {"CREATE TABLE hole (a INT) ENGINE=BLACKHOLE"},
}

// spelled are bodies that name their own database in all the quotes there are.
func spelled(live string) []string {
	body := "() BEGIN SELECT 1 FROM " + live + ".orders; SELECT 2 FROM `" + live + "`.`orders`; "
	return []string{
		"CREATE PROCEDURE mixed" + body + "END",
		"SET sql_mode = 'ANSI_QUOTES'; CREATE PROCEDURE doubled" + body + `SELECT 3 FROM "` + live + `"."orders"; END`,
		"SET sql_mode = 'ANSI_QUOTES'; CREATE TRIGGER ansi AFTER DELETE ON orders FOR EACH ROW DELETE FROM \"" + live +
			"\".customers WHERE id < 0",
	}
}

// TestAFaithfulCopyIsGoodToEveryVerifier has verify --deep, drill and the
// restore's own check look at a copy of every kind of object; they agree.
func TestAFaithfulCopyIsGoodToEveryVerifier(t *testing.T) {
	for name, server := range map[string]func(testing.TB) *testdb.Server{"mysql": testdb.MySQL,
		"mariadb": testdb.MariaDB, "mariadb11": testdb.MariaDB11} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := server(t)
			copies(t, db)
			viewsOfOthers(t, db)
		})
	}
}

func copies(t *testing.T, db *testdb.Server) {
	s := newSite(t, db)
	db.Exec(t, s.live, append(copied[""], copied[db.Flavour]...)...)
	db.Exec(t, s.live, spelled(s.live)...)
	for engine, made := range engines {
		var has int
		if err := db.Open(t, "").QueryRow("SELECT COUNT(*) FROM information_schema.ENGINES WHERE SUPPORT <> 'NO' "+
			"AND ENGINE = ?", engine).Scan(&has); err != nil {
			t.Fatal(err)
		}
		if has > 0 {
			db.Exec(t, s.live, made...)
		}
	}
	good := s.dump()
	s.must("backup", "create")
	s.must("backup", "verify", "--all", "--deep")
	if o := s.must("backup", "drill"); !strings.Contains(o.out, "as in the backup") {
		t.Errorf("the dangling key is not told:\n%s", o.out)
	}
	s.must("restore", "--confirm", s.live)
	sameDump(t, good, s.dump())
	foreignCopies(t, s)
}

// viewsOfOthers has the three verifiers look at views over views of a definer who has gone, and
// of one whose privileges are on the live database alone: a faithful copy is good and is restored.
func viewsOfOthers(t *testing.T, db *testdb.Server) {
	s := emptySite(t, db, db.Schema(t))
	gone, kept := fmt.Sprintf("gone%d@localhost", db.Port), fmt.Sprintf("kept%d@localhost", db.Port)
	db.Exec(t, s.live, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (1)",
		"CREATE TABLE orders (id INT PRIMARY KEY)", "INSERT INTO orders VALUES (1)")
	for i, who := range []string{gone, kept} {
		under := fmt.Sprintf("under%d", i)
		db.Exec(t, s.live, "CREATE USER "+who, "GRANT SELECT ON `"+s.live+"`.* TO "+who,
			"CREATE DEFINER="+who+" VIEW "+under+" AS SELECT id FROM customers WHERE id > 0",
			"CREATE VIEW over_"+under+" AS SELECT * FROM "+under)
	}
	db.Exec(t, "", "DROP USER "+gone)
	defer db.Exec(t, "", "DROP USER "+kept)
	definers := func() (text string) {
		if err := db.Open(t, s.live).QueryRow("SELECT GROUP_CONCAT(TABLE_NAME, ' ', DEFINER ORDER BY 1) FROM "+
			"information_schema.VIEWS WHERE TABLE_SCHEMA = ?", s.live).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	was := definers()
	s.must("backup", "create")
	s.must("backup", "verify", "--all", "--deep")
	s.must("backup", "drill")
	s.must("restore", "--confirm", s.live)
	if is := definers(); is != was {
		t.Errorf("the views are %s, before %s", is, was)
	}
	tells(t, s.must("restore", "lost").out, "nothing will be lost")
	db.Exec(t, s.live, "SELECT * FROM over_under1")
	// MySQL opens no view over one whose definer is gone after a restore: it is in the next backup.
	s.must("backup", "create")
	s.must("restore", "--confirm", s.live)
	if is := definers(); is != was {
		t.Errorf("after a second restore the views are %s, before %s", is, was)
	}
	db.Exec(t, s.live, "RENAME TABLE customers TO clients")
	if o := s.run("backup", "create"); o.code != 1 || !strings.Contains(o.err, "could not be restored") {
		t.Errorf("views over a table that is not there: %d %s", o.code, o.err)
	}
	db.Exec(t, s.live, "RENAME TABLE clients TO customers")
	viewsThatCannotBeShown(t, db)
}

// viewsThatCannotBeShown: SHOW CREATE VIEW fails for a view that calls a function whose definer
// is gone. A backup names it, and an older backup is restored all the same, and taken back.
func viewsThatCannotBeShown(t *testing.T, db *testdb.Server) {
	t.Helper()
	s := emptySite(t, db, db.Schema(t))
	db.Exec(t, s.live, "CREATE TABLE customers (id INT PRIMARY KEY)", "INSERT INTO customers VALUES (1)",
		"CREATE TABLE orders (id INT PRIMARY KEY)", "INSERT INTO orders VALUES (1)")
	s.must("backup", "create")
	owner := fmt.Sprintf("owner%d@localhost", db.Port)
	db.Exec(t, s.live, "CREATE USER "+owner, "GRANT ALL ON `"+s.live+"`.* TO "+owner,
		"CREATE DEFINER="+owner+" FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
		"CREATE VIEW calls AS SELECT f() AS x FROM customers", "DROP USER "+owner)
	o := s.run("backup", "create")
	tells(t, o.err, "calls", "does not exist", "could not be restored", "--skip-broken")
	if o.code != 1 {
		t.Errorf("a backup without that view ends with %d", o.code)
	}
	s.must("restore", "--confirm", s.live, "--accept-missing", "calls", "--accept-missing", "f")
	tells(t, s.must("restore", "undo", "--confirm", s.live).out, "undone")
	db.Exec(t, s.live, "DROP FUNCTION f", "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1")
	o = s.must("backup", "create", "--skip-broken")
	tells(t, o.out+o.err, "made")
}

// foreignCopies has the three verifiers look at a dump of another tool whose rows have
// a dangling key, as the dump holds them; they agree that it is a warning.
func foreignCopies(t *testing.T, s *realSite) {
	t.Helper()
	s.write("backups/"+s.live+"_20260102_020000.sql", `-- MySQL dump 10.13
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT to_p FOREIGN KEY (p) REFERENCES parent (id));
INSERT INTO child VALUES (1,99),(2,98),(3,1);
CREATE TABLE parent (id INT PRIMARY KEY);
INSERT INTO parent VALUES (1);
CREATE TABLE customers (id INT PRIMARY KEY); INSERT INTO customers VALUES (1);
CREATE TABLE orders (id INT PRIMARY KEY); REPLACE INTO orders VALUES (1),(1);
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
-- Dump completed on 2026-01-02  2:00:00
`)
	name := s.live + "_20260102_020000.sql"
	said := "child has 2 rows without a matching row in parent (foreign key to_p), as in the backup"
	for _, args := range [][]string{
		{"backup", "drill", name},
		{"backup", "verify", "--deep", name},
		{"backup", "show", name},
		{"restore", "--from", name, "--confirm", s.live, "--accept-missing", missingIn(s, name)},
		{"restore", "report"},
	} {
		if o := s.must(args...); !strings.Contains(o.out+o.err, said) {
			t.Errorf("%v does not tell the dangling key:\n%s%s", args, o.out, o.err)
		}
	}
	if n := s.db.Open(t, s.live).QueryRow("SELECT COUNT(*) FROM child WHERE p > 90"); true {
		var rows int
		if err := n.Scan(&rows); err != nil || rows != 2 {
			t.Errorf("%d rows without a parent are restored, want 2: %v", rows, err)
		}
	}
}

// missingIn lists the live tables that a restore would remove, as the plan names them.
func missingIn(s *realSite, name string) string {
	var plan struct {
		Gaps []struct{ Table string } `json:"gaps"`
	}
	o := s.must("restore", "--from", name, "--plan", "--json")
	if err := json.Unmarshal([]byte(o.out), &plan); err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, g := range plan.Gaps {
		names = append(names, g.Table)
	}
	return strings.Join(names, ",")
}

// TestAViewThatMySQLGarblesMakesNoBackupBad: MySQL stores the literal as other characters each
// time the view is created, and mysqldump's restore has them as well.
func TestAViewThatMySQLGarblesMakesNoBackupBad(t *testing.T) {
	s := newSite(t, testdb.MySQL(t))
	s.db.Exec(t, s.live, "CREATE VIEW vips AS SELECT * FROM customers WHERE BINARY name = '张三' OR name = 'é'")
	o := s.must("backup", "create")
	tells(t, o.out+o.err, "vips`", "MySQL garbled")
	s.must("backup", "verify", "--all", "--deep")
	s.db.Exec(t, s.live, "DROP VIEW vips", "DELETE FROM orders")
	s.must("restore", "--confirm", s.live)
	s.db.Exec(t, s.live, "SELECT * FROM vips")
}
