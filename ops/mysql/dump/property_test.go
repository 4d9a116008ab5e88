package dump

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
)

// TestRandomDatabasesComeBack prints its seed; OPSDECK_SEED repeats one.
func TestRandomDatabasesComeBack(t *testing.T) {
	seed := testenv.Seed(t)
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		r := rand.New(rand.NewPCG(seed, 1))
		for range soak(3, 60) {
			db := s.Schema(t)
			s.Random(t, r, db)
			before := canon(t, s, db)
			path, m := dumped(t, s, Options{Databases: []string{db}, Compress: []string{"gzip", "zstd"}[r.IntN(2)]})
			reload(t, s, text(t, path, m), db)
			same(t, "mysqldump of the restored database", canon(t, s, db), before)
			_, again := dumped(t, s, Options{Databases: []string{db}})
			sameTables(t, again, m)
			loaded(t, s, path, db)
			same(t, "mysqldump of native dump and native load", canon(t, s, db), before)
			plain := filepath.Join(t.TempDir(), "plain.sql")
			if err := os.WriteFile(plain,
				s.Dump(t, "--routines", "--triggers", "--events", "--hex-blob", "--default-character-set=utf8mb4",
					"--databases", db), 0o600); err != nil {
				t.Fatal(err)
			}
			loaded(t, s, plain, db)
			same(t, "mysqldump of mysqldump and native load", canon(t, s, db), before)
			s.Exec(t, "", "DROP DATABASE "+schema.Ident(db))
		}
	})
}

// loaded drops a database and loads it again with ops/mysql/load.
func loaded(t *testing.T, s *testdb.Server, path, db string) {
	t.Helper()
	src, err := load.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	s.Exec(t, "", "DROP DATABASE `"+db+"`")
	if _, err := load.Run(t.Context(), target(s), src,
		load.Options{Schema: db, From: db, Definer: load.DefinerKeep, Events: true}); err != nil {
		t.Fatal(err)
	}
}
