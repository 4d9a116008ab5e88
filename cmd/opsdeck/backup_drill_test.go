package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// TestADrillOnAnotherServerTouchesNeither rehearses at a second service's
// server, where a database of the same name lives: no database is made at the
// first server, and the namesake is not touched. It counts the databases that the first
// server ever made, and so it is not parallel to other tests.
func TestADrillOnAnotherServerTouchesNeither(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		db := s.Schema(t)
		s.Exec(
			t,
			db,
			"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(20))",
			"INSERT INTO customers VALUES (1, '千张'), (2, 'b')",
			"CREATE TABLE orders (id INT PRIMARY KEY)",
			"CREATE PROCEDURE wipe() DELETE FROM "+db+".customers",
			"CREATE EVENT boom ON SCHEDULE EVERY 1 SECOND STARTS '2037-01-01' DO DELETE FROM "+db+".customers",
		)
		other := testdb.Private(t, s.Flavour)
		other.Exec(
			t,
			"",
			"CREATE DATABASE "+db,
			"CREATE TABLE "+db+".customers (id INT PRIMARY KEY)",
			"INSERT INTO "+db+".customers VALUES (77)",
		)
		sh := newNightly(t, s, db, "")
		config, err := os.ReadFile(sh.config)
		if err != nil {
			t.Fatal(err)
		}
		spare := fmt.Sprintf(
			"  - name: spare\n    database: {name: %s, options_file: %s, host: %s, port: %d}\nstate_dir:",
			db,
			other.OptionsFile(t),
			other.Host,
			other.Port,
		)
		if err := os.WriteFile(sh.config, []byte(strings.Replace(string(config), "state_dir:", spare, 1)),
			0o600); err != nil {
			t.Fatal(err)
		}
		sh.run(0, nil, "--service", "shop", "backup", "create")

		made := func(x *testdb.Server) (n int) {
			var name string
			if err := x.Open(t, "").QueryRow("SHOW GLOBAL STATUS LIKE 'Com_create_db'").Scan(&name, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		here, there := made(s), made(other)
		for _, args := range [][]string{nil, {"--table", "customers"}, {"--into", "rehearsal"}} {
			var d backup.Drill
			sh.run(
				0,
				&d,
				append([]string{"--service", "shop", "backup", "drill", "--server", "spare", "--json"}, args...)...)
			if d.Result != backup.Passed || !strings.HasSuffix(d.Target, " @ spare") || d.Rows != 2 {
				t.Errorf("%v: %+v", args, d)
			}
		}
		if made(s) != here || made(other) != there+3 {
			t.Errorf("databases made: %d here, %d there", made(s)-here, made(other)-there)
		}
		var id, schemas int
		if err := other.Open(t, "").QueryRow("SELECT MAX(id), (SELECT COUNT(*) FROM information_schema.SCHEMATA "+
			"WHERE SCHEMA_NAME LIKE 'opsdeck%' OR SCHEMA_NAME = 'rehearsal') FROM "+db+".customers").Scan(&id,
			&schemas); err != nil ||
			id != 77 ||
			schemas != 0 {
			t.Errorf("the namesake holds %d, %d databases are left, %v", id, schemas, err)
		}
		if text := sh.run(0, nil, "--service", "shop", "backup", "drill", "--server", "spare",
			"--dry-run"); !strings.Contains(
			text,
			fmt.Sprintf("%s:%d", other.Host, other.Port),
		) {
			t.Error(text)
		}
		sh.run(64, nil, "--service", "shop", "backup", "drill", "--server", "nowhere", "--dry-run")
		other.Stop(t)
		sh.run(75, nil, "--service", "shop", "backup", "drill", "--server", "spare")
		other.Start(t)
	})
}

// TestEveryChangeHasADryRun: it says what would be done, and does nothing.
func TestEveryChangeHasADryRun(t *testing.T) {
	s := testdb.MariaDB(t)
	db := s.Schema(t)
	s.Exec(t, db, "CREATE TABLE customers (id INT PRIMARY KEY)")
	sh := newNightly(t, s, db, "")
	sh.run(0, nil, "backup", "create")
	state, err := os.ReadDir(strings.TrimSuffix(sh.config, "config.yaml") + "state")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"backup", "create"}, {"backup", "verify", "--all", "--deep"}, {"backup", "drill"},
		{"backup", "prune"}, {"backup", "schedule", "run", "daily"}, {"backup", "schedule", "run"}} {
		for _, with := range [][]string{{"--dry-run"}, {"--read-only", "--dry-run"}} {
			if text := sh.run(0, nil, append(append([]string{}, args...), with...)...); text == "" {
				t.Errorf("%v %v says nothing", args, with)
			}
		}
	}
	for _, args := range [][]string{{"backup", "create"}, {"backup", "verify"}, {"backup", "drill"},
		{"backup", "prune"}} {
		var doc map[string]any
		sh.run(0, &doc, append(args, "--dry-run", "--json")...)
	}
	after, _ := os.ReadDir(strings.TrimSuffix(sh.config, "config.yaml") + "state")
	if len(after) != len(state) {
		t.Errorf("the state folder held %v, now %v", state, after)
	}
	drills := func(want int) {
		t.Helper()
		var doc struct {
			Drills []backup.Drill `json:"drills"`
		}
		sh.run(0, &doc, "backup", "drills", "--json")
		if len(doc.Drills) != want {
			t.Errorf("%d drills on record, want %d", len(doc.Drills), want)
		}
	}
	sh.run(0, nil, "backup", "verify", "--all", "--deep") // it loads the backup, and rehearses nothing
	drills(0)
	sh.run(0, nil, "backup", "drill")
	drills(1)
}
