package main

import (
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
		"CREATE TABLE part1 (a INT) ENGINE=MyISAM", "CREATE TABLE part2 (a INT) ENGINE=MyISAM", "INSERT INTO part1 VALUES (1), (2)",
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
	},
	"mariadb": {
		"CREATE SEQUENCE sq START WITH 5 INCREMENT BY 3", "SELECT NEXTVAL(sq)",
		"CREATE TABLE sv (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING", "INSERT INTO sv VALUES (1, 1)", "UPDATE sv SET v = 2",
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
	},
	"BLACKHOLE": {"CREATE TABLE hole (a INT) ENGINE=BLACKHOLE"},
}

// TestAFaithfulCopyIsGoodToEveryVerifier has verify --deep, drill and the
// restore's own check look at a copy of every kind of object; they agree.
func TestAFaithfulCopyIsGoodToEveryVerifier(t *testing.T) {
	for name, server := range map[string]func(testing.TB) *testdb.Server{"mysql": testdb.MySQL,
		"mariadb": testdb.MariaDB, "mariadb11": testdb.MariaDB11} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copies(t, server(t))
		})
	}
}

func copies(t *testing.T, db *testdb.Server) {
	s := newSite(t, db)
	db.Exec(t, s.live, append(copied[""], copied[db.Flavour]...)...)
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
}
