package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
)

// aShop is a configured database with two tables; the folder for its backups
// does not exist yet.
func aShop(t *testing.T, srv *testdb.Server) (config, schema, dir string) {
	t.Helper()
	schema, dir = srv.Schema(t), t.TempDir()
	srv.Exec(
		t,
		schema,
		"CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(50))",
		"INSERT INTO customers VALUES (1,'客户'),(2,'it''s')",
		"CREATE TABLE orders (id INT PRIMARY KEY)",
		"INSERT INTO orders VALUES (7)",
	)
	config = configFile(
		t,
		fmt.Sprintf(
			"services:\n  - name: q\n    database: {name: %s, options_file: %s, host: %s, port: %d}\n    backup: "+
				"{dir: %s}\nstate_dir: %s\n",
			schema,
			srv.OptionsFile(t),
			srv.Host,
			srv.Port,
			filepath.Join(dir, "backups"),
			filepath.Join(dir, "state"),
		),
	)
	return config, schema, dir
}

func TestBackupCreateTellsWhatItMade(t *testing.T) {
	testdb.Each(t, func(t *testing.T, srv *testdb.Server) {
		config, schema, _ := aShop(t, srv)
		out, _ := asked(t, config, 0, "backup", "create", "--json")
		var made struct {
			Name       string         `json:"name"`
			Path       string         `json:"path"`
			SizeBytes  int64          `json:"size_bytes"`
			RawBytes   int64          `json:"raw_bytes"`
			Tables     int            `json:"tables"`
			Rows       int            `json:"rows"`
			SHA256     string         `json:"sha256"`
			DurationMS *int64         `json:"duration_ms"`
			Consistent bool           `json:"consistent"`
			Position   map[string]any `json:"position"`
		}
		d := json.NewDecoder(strings.NewReader(out))
		if err := d.Decode(&made); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(made.Path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if made.SHA256 != hex.EncodeToString(sum[:]) || made.SizeBytes != int64(len(data)) || made.Tables != 2 ||
			made.Rows != 3 || !made.Consistent ||
			made.DurationMS == nil ||
			made.Position["file"] == "" ||
			filepath.Base(made.Path) != made.Name ||
			!strings.HasPrefix(made.Name, schema+"_") {
			t.Errorf("%+v", made)
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		sql, err := io.ReadAll(z)
		if err != nil || int64(len(sql)) != made.RawBytes || !bytes.Contains(sql, []byte("(1,'客户'),\n(2,'it\\'s')")) {
			t.Errorf("%v: %d bytes of SQL: %.600s", err, len(sql), sql)
		}
		for path, want := range map[string]os.FileMode{made.Path: 0o600, made.Path + backup.ManifestSuffix: 0o600,
			filepath.Dir(made.Path): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v %v", path, info.Mode(), err)
			}
		}
	})
}

func TestBackupsOfOneSecondHaveTwoNames(t *testing.T) {
	config, _, dir := aShop(t, testdb.MariaDB(t))
	names := map[string]bool{}
	for range 4 {
		out, _ := asked(t, config, 0, "backup", "create", "--json", "--tables", "orders")
		var made struct{ Name string }
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatal(err)
		}
		names[made.Name] = true
	}
	files, _ := filepath.Glob(filepath.Join(dir, "backups", "*.sql.gz"))
	if len(names) != 4 || len(files) != 4 {
		t.Errorf("names %v, files %v", names, files)
	}
}

func TestBackupCreateRefuses(t *testing.T) {
	srv := testdb.MariaDB(t)
	config, schema, dir := aShop(t, srv)
	t.Run("when another one runs", func(t *testing.T) {
		l, err := lock.Take(
			backup.LockPath(filepath.Join(dir, "state")),
			lock.Holder{User: "nightly", What: "backup create"},
		)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Release()
		if _, errs := asked(t, config, 75, "backup", "create"); !strings.Contains(errs, "nightly") {
			t.Errorf("%s", errs)
		}
	})
	for name, c := range map[string]struct {
		code int
		args []string
	}{
		"--read-only":               {64, []string{"--read-only", "backup", "create"}},
		"a table that is not there": {64, []string{"backup", "create", "--tables", "absent"}},
		"a condition on no table":   {64, []string{"backup", "create", "--where", "id = 1"}},
		"a database not there":      {78, []string{"backup", "create", "--databases", "absent"}},
		"an unusable throttle":      {64, []string{"backup", "create", "--throttle", "fast"}},
	} {
		t.Run(name, func(t *testing.T) { asked(t, config, c.code, c.args...) })
	}
	t.Run("an unreachable server", func(t *testing.T) {
		away := configFile(
			t,
			fmt.Sprintf(
				"services:\n  - name: q\n    database: {name: %s, host: 127.0.0.1, port: 1}\n    backup: {dir: "+
					"%s}\nstate_dir: %s\n",
				schema,
				filepath.Join(dir, "backups"),
				filepath.Join(dir, "state2"),
			),
		)
		asked(t, away, 75, "backup", "create")
	})
	left, _ := os.ReadDir(filepath.Join(dir, "backups"))
	for _, f := range left {
		t.Errorf("left behind: %s", f.Name())
	}
}

func TestDryRunOfABackupDoesNothing(t *testing.T) {
	config, _, dir := aShop(t, testdb.MariaDB(t))
	if out, _ := asked(t, config, 0, "--read-only", "backup", "create", "--dry-run"); !strings.Contains(
		out,
		"would back up",
	) {
		t.Errorf("%s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "backups")); err == nil {
		t.Error("the folder was made")
	}
}

func TestNextBackupSweepsWhatAKilledOneLeft(t *testing.T) {
	config, schema, dir := aShop(t, testdb.MariaDB(t))
	folder := filepath.Join(dir, "backups")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	mine, other, inWork := schema+"_20200101_000000.sql.gz.tmp", "notes.tmp", schema+"_20200101_000001.sql.gz.tmp"
	its := schema + "_20200101_000001.sql.gz" + backup.ManifestSuffix + ".tmp"
	for _, name := range []string{mine, other, inWork, its} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writer, err := os.Open(filepath.Join(folder, inWork))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := unix.Flock(int(writer.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, errs := asked(t, config, 0, "backup", "create"); !strings.Contains(errs, mine) {
		t.Errorf("removed without a word: %s", errs)
	}
	if _, err := os.Stat(filepath.Join(folder, mine)); err == nil {
		t.Error("the unfinished file is still there")
	}
	for _, name := range []string{other, inWork, its} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Errorf("%s is gone, which was somebody else's or in work", name)
		}
	}
}
