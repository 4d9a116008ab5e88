package dump

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func target(s *testdb.Server) mysql.Target {
	return mysql.Target{Network: "unix", Addr: s.Socket, User: s.User, Password: s.Password}
}

func tcp(s *testdb.Server) mysql.Target {
	return mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
}

// dumped makes a dump in a new folder.
func dumped(t testing.TB, s *testdb.Server, o Options) (string, *backup.Manifest) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.sql.gz")
	m, err := Run(context.Background(), target(s), o, path)
	if err != nil {
		t.Fatal(err)
	}
	return path, m
}

// text is the SQL of a backup file.
func text(t testing.TB, path string, m *backup.Manifest) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, data, m)
}

func unpack(t testing.TB, data []byte, m *backup.Manifest) []byte {
	t.Helper()
	var r io.Reader
	var err error
	if m.Compression == "zstd" {
		r, err = zstd.NewReader(bytes.NewReader(data))
	} else {
		r, err = gzip.NewReader(bytes.NewReader(data))
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// proved checks a file against everything in its manifest.
func proved(t testing.TB, path string, m *backup.Manifest) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var written backup.Manifest
	side, err := os.ReadFile(path + backup.ManifestSuffix)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(side, &written); err != nil || written.SHA256 != m.SHA256 {
		t.Fatalf("the manifest beside the file: %v", err)
	}
	if int64(len(data)) != m.SizeBytes || sum(data) != m.SHA256 {
		t.Fatal("size or sum of the file is not the manifest's")
	}
	var at, raw int64
	rows := map[string]int64{}
	for i, member := range m.Members {
		if member.Offset != at {
			t.Fatalf("member %d begins at %d, not at %d", i, member.Offset, at)
		}
		part := data[at : at+member.Length]
		if sum(part) != member.SHA256 {
			t.Fatalf("member %d has another sum", i)
		}
		plain := unpack(t, part, m)
		if int64(len(plain)) != member.RawLength {
			t.Fatalf("member %d is %d bytes of text, not %d", i, len(plain), member.RawLength)
		}
		at, raw = at+member.Length, raw+member.RawLength
		rows[member.Database+"."+member.Object] += member.Rows
	}
	if at != m.SizeBytes || raw != m.RawBytes {
		t.Fatal("the members do not cover the file")
	}
	for _, table := range m.Tables {
		if got := rows[table.Database+"."+table.Name]; got != table.Rows {
			t.Errorf("table %s: %d rows in its members, %d in all", table.Name, got, table.Rows)
		}
	}
	if dir, err := os.ReadDir(filepath.Dir(path)); err != nil || len(dir) != 2 {
		t.Errorf("the folder holds %d files, not the backup and its manifest", len(dir))
	}
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// nothingLeft fails if a folder is not empty.
func nothingLeft(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../testdata/zoo", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// zoo loads the flavour's test database of unusual objects into a new database.
func zoo(t testing.TB, s *testdb.Server) string {
	t.Helper()
	name := s.Schema(t)
	s.Client(t, name, bytes.NewReader(fixture(t, "common.sql")))
	s.Client(t, name, bytes.NewReader(fixture(t, s.Flavour+".sql")))
	return name
}

var changing = regexp.MustCompile(`(?m)^(SET @@GLOBAL\.GTID_PURGED=|-- Dump completed|-- Host:).*$`)

// impliedCharset is the charset that MySQL shows before a collation after the table was
// recreated from its own output: the column is the same.
var impliedCharset = regexp.MustCompile(` CHARACTER SET \w+( COLLATE )`)

// canon is mysqldump's output for databases, without the parts that change between runs.
func canon(t testing.TB, s *testdb.Server, databases ...string) string {
	t.Helper()
	args := []string{
		"--routines",
		"--events",
		"--triggers",
		"--hex-blob",
		"--skip-dump-date",
		"--skip-extended-insert",
		"--order-by-primary",
		"--default-character-set=utf8mb4",
	}
	if s.Flavour == "mariadb" {
		args = append(args, "--dump-history")
	}
	text := string(s.Dump(t, append(append(args, "--databases"), databases...)...))
	return impliedCharset.ReplaceAllString(changing.ReplaceAllString(text, ""), "$1")
}

// same fails with the first line that differs.
func same(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "", ""
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("%s: line %d\n got %.300s\nwant %.300s", what, i+1, a, b)
		}
	}
}

// reload drops the databases and restores them with the plain client.
func reload(t testing.TB, s *testdb.Server, sql []byte, databases ...string) {
	t.Helper()
	for _, db := range databases {
		s.Exec(t, "", "DROP DATABASE `"+db+"`")
	}
	s.Client(t, "", bytes.NewReader(sql))
}

// fill creates a table with the given number of rows of about 500 bytes.
func fill(t testing.TB, s *testdb.Server, db, table string, rows int) {
	t.Helper()
	s.Exec(
		t,
		db,
		"CREATE TABLE "+table+" (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(600) NOT NULL)",
		"INSERT INTO "+table+" (v) SELECT RPAD(SHA2(RAND(), 256), 500, SHA2(RAND(), 256)) FROM "+
			"information_schema.COLUMNS LIMIT 500",
	)
	for n := 500; n < rows; n *= 2 {
		s.Exec(
			t,
			db,
			fmt.Sprintf(
				"INSERT INTO %s (v) SELECT RPAD(SHA2(RAND(), 256), 500, SHA2(id, 256)) FROM %s LIMIT %d",
				table,
				table,
				min(n, rows-n),
			),
		)
	}
	s.Exec(t, db, "ANALYZE TABLE "+table)
}

// allTold reports every step of progress, regardless of the machine's speed.
func allTold(t testing.TB) {
	was := reportEvery
	reportEvery = 0
	t.Cleanup(func() { reportEvery = was })
}

func timeout(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
