package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
)

// TestRandomDatabasesAreBackedUpRestoredAndUndone takes random databases the whole way, by
// the program itself: create, verify --deep, drill, damage, restore, undo. Before and after,
// the dump program of the server says what is there. OPSDECK_SEED names another seed,
// OPSDECK_ROUNDS further ones after it.
func TestRandomDatabasesAreBackedUpRestoredAndUndone(t *testing.T) {
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_ROUNDS")); err == nil {
		rounds = n
	}
	seed := testenv.Seed(t)
	all := func(t *testing.T, db *testdb.Server) {
		for i := range rounds {
			at := seed + uint64(i)
			t.Run(fmt.Sprint(at), func(t *testing.T) { wholeWay(t, db, at) })
		}
	}
	testdb.Beside(t, all)
	t.Run("mariadb11", func(t *testing.T) {
		t.Parallel()
		all(t, testdb.MariaDB11(t))
	})
}

func wholeWay(t *testing.T, db *testdb.Server, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	s := emptySite(t, db, db.Schema(t))
	s.amend(`restore: {key_tables: [customers, orders], smoke_test: ["SELECT COUNT(*) > 0 FROM customers"]`,
		`restore: {key_tables: []`)
	db.Random(t, r, s.live)
	good := s.rows()
	var made backupCreateJSON
	args := []string{"backup", "create", "--json", "--compress", []string{"gzip", "zstd"}[r.IntN(2)]}
	if err := json.Unmarshal([]byte(s.must(args...).out), &made); err != nil {
		t.Fatal(err)
	}
	s.must("backup", "verify", made.Name, "--deep")
	s.must("backup", "drill", made.Name)
	s.damage(r)
	damaged := s.rows()
	mode := []string{"swap", "swap", "in-place"}[r.IntN(3)]
	s.must("restore", "--from", made.Name, "--mode", mode, "--confirm", s.live)
	sameDump(t, good, s.rows())
	if out := s.must("restore", "status", "--json").out; !strings.Contains(out, `"undo_possible": true`) {
		t.Errorf("the restore cannot be undone: %s", out)
	}
	s.must("restore", "undo", "--confirm", s.live)
	if out := s.must("restore", "status", "--json").out; strings.Contains(out, `"undo_possible": true`) {
		t.Errorf("what is undone can be undone: %s", out)
	}
	sameDump(t, damaged, s.rows())
}

// rows is the live schema by the dump program's word, a line a row.
func (s *realSite) rows() string {
	return s.dump("--hex-blob", "--skip-extended-insert", "--order-by-primary", "--default-character-set=utf8mb4")
}

// damage takes rows away, and makes what no backup has. It drops nothing: the dump program
// cannot read a view whose table is gone.
func (s *realSite) damage(r *rand.Rand) {
	s.t.Helper()
	pool := s.db.Open(s.t, s.live)
	rows, err := pool.Query(
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' ORDER BY 1",
		s.live,
	)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	statements := []string{"SET foreign_key_checks = 0"}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			s.t.Fatal(err)
		}
		some := []string{"", " LIMIT 3", " LIMIT 0"}[r.IntN(3)]
		statements = append(statements, "DELETE FROM `"+strings.ReplaceAll(name, "`", "``")+"`"+some)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	s.db.Exec(s.t, s.live, append(statements, "CREATE VIEW made_later AS SELECT 1 AS a")...)
}
