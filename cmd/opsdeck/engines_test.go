package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// rowless are tables that hold no rows of their own, by engine. %s is another
// server's address of the table remote, or what the engine takes of it.
func rowless(remote *testdb.Server, in, dir string) map[string][]string {
	link := fmt.Sprintf("mysql://%s:%s@127.0.0.1:%d/%s/remote", remote.User, remote.Password, remote.Port, in)
	return map[string][]string{
		"FEDERATED": {"CREATE TABLE fed (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=FEDERATED CONNECTION='" + link + "'"},
		"SPIDER": {fmt.Sprintf("CREATE TABLE spi (id INT PRIMARY KEY, v VARCHAR(9)) ENGINE=SPIDER COMMENT='wrapper \"mysql\", "+
			"host \"127.0.0.1\", port \"%d\", user \"%s\", password \"%s\", database \"%s\", table \"remote\"'",
			remote.Port, remote.User, remote.Password, in)},
		"CONNECT": {
			"CREATE TABLE lines_csv (a INT NOT NULL) ENGINE=CONNECT TABLE_TYPE=CSV FILE_NAME='" + dir + "/lines.csv'",
			"INSERT INTO lines_csv VALUES (1), (2)",
		},
		"OQGRAPH": {
			"CREATE TABLE edges (o BIGINT UNSIGNED NOT NULL, d BIGINT UNSIGNED NOT NULL, PRIMARY KEY (o, d), KEY (d)) ENGINE=InnoDB",
			"INSERT INTO edges VALUES (1, 2), (2, 3)",
			"CREATE TABLE graph (latch VARCHAR(32), origid BIGINT UNSIGNED, destid BIGINT UNSIGNED, weight DOUBLE, seq BIGINT UNSIGNED, " +
				"linkid BIGINT UNSIGNED, KEY (latch, origid, destid) USING HASH, KEY (latch, destid, origid) USING HASH) " +
				"ENGINE=OQGRAPH data_table='edges' origid='o' destid='d'",
		},
		"BLACKHOLE": {"CREATE TABLE hole (a INT) ENGINE=BLACKHOLE"},
		"MRG_MYISAM": {
			"CREATE TABLE part (a INT) ENGINE=MyISAM", "INSERT INTO part VALUES (1), (2)",
			"CREATE TABLE merged (a INT) ENGINE=MERGE UNION=(part)",
		},
	}
}

// TestOfATableWithoutRowsOnlyTheDefinitionIsBackedUp: every form of the output says
// so, and the definition goes through verification, drill, restore and undo. What the
// table shows elsewhere is never written to.
func TestOfATableWithoutRowsOnlyTheDefinitionIsBackedUp(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			t.Parallel()
			definitions(t, flavour)
		})
	}
}

func definitions(t *testing.T, flavour string) {
	remote, in := testdb.MariaDB(t), ""
	if flavour == "mysql" {
		remote = testdb.MySQL(t)
	}
	in = remote.Schema(t)
	remote.Exec(t, in, "CREATE TABLE remote (id INT PRIMARY KEY, v VARCHAR(9))",
		"INSERT INTO remote VALUES (1, 'a'), (2, 'b')")
	db, engines := testdb.WithEngines(t, flavour)
	s := newSite(t, db)
	var names []string
	for engine, made := range rowless(remote, in, db.DataDir()) {
		for name := range engines {
			if strings.EqualFold(name, engine) {
				db.Exec(t, s.live, made...)
				names = append(names, engine)
			}
		}
	}
	if len(names) < 3 {
		t.Fatalf("engines: %v", engines)
	}
	good := s.dump("--skip-lock-tables")
	made := s.must("backup", "create", "--json")
	var doc struct {
		Name     string
		Warnings []string
	}
	if err := json.Unmarshal([]byte(made.out), &doc); err != nil {
		t.Fatal(err)
	}
	var show backupShowJSON
	if err := json.Unmarshal([]byte(s.must("backup", "show", doc.Name, "--json").out), &show); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{"create": strings.Join(doc.Warnings, "\n"),
		"show":        s.must("backup", "show", doc.Name).out,
		"show --json": strings.Join(show.Warnings, "\n"), "plan": s.run("restore", "--from", doc.Name, "--plan").out}
	bare := 0
	for _, x := range show.Tables {
		if x.Definition {
			bare++
		}
		for what, text := range said {
			if x.Definition != strings.Contains(text, x.Name+" ("+x.Engine+")") {
				t.Errorf("%s of %s (%s), definition only: %v:\n%s", what, x.Name, x.Engine, x.Definition, text)
			}
		}
	}
	if bare != len(names) {
		t.Errorf("%d tables are definitions only, with the engines %v", bare, names)
	}
	s.must("backup", "verify", doc.Name, "--deep")
	s.must("backup", "drill", doc.Name)
	db.Exec(t, s.live, append(shopDamage, "DROP TABLE hole, merged")...)
	damaged := s.dump("--skip-lock-tables")
	s.must("restore", "--from", doc.Name, "--confirm", s.live)
	sameDump(t, good, s.dump("--skip-lock-tables"))
	s.must("restore", "undo", "--confirm", s.live)
	sameDump(t, damaged, s.dump("--skip-lock-tables"))
	s.must("restore", "drop-old", "--accept-missing", "ar_invoices,hole,merged", "--confirm", s.live)
	if left := s.sides(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	var n int
	if err := remote.Open(t, in).QueryRow("SELECT COUNT(*) FROM remote").Scan(&n); err != nil || n != 2 {
		t.Errorf("the other server's table has %d rows (%v)", n, err)
	}
}
