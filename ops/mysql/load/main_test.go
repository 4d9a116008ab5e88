package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func target(s *testdb.Server) mysql.Target {
	return mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User, Password: s.Password}
}

// source writes SQL text as a gzip file and opens it.
func source(t *testing.T, text []byte) *Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.sql.gz")
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	w.Close()
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func mustRun(t *testing.T, s *testdb.Server, src *Source, o Options) *backup.LoadReport {
	t.Helper()
	r, err := Run(context.Background(), target(s), src, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var stamps = regexp.MustCompile(`(?m)^-- (Dump completed|Host:).*$|^SET @@GLOBAL.GTID_PURGED.*$`)

// dumped is what mysqldump says about a schema, without times and its name.
func dumped(t *testing.T, s *testdb.Server, schema string) string {
	t.Helper()
	out := s.Dump(
		t,
		"--routines",
		"--triggers",
		"--events",
		"--hex-blob",
		"--skip-extended-insert",
		"--order-by-primary",
		schema,
	)
	out = stamps.ReplaceAll(out, nil)
	return string(bytes.ReplaceAll(out, []byte(schema), []byte("SCHEMA")))
}

// allTold has every step of progress told, however fast the machine is.
func allTold(t *testing.T) {
	was := reportEvery
	reportEvery = 0
	t.Cleanup(func() { reportEvery = was })
}

// mustVerify compares a copy with its manifest.
func mustVerify(t *testing.T, s *testdb.Server, m *backup.Manifest, schema string) {
	t.Helper()
	v, err := Verify(context.Background(), target(s), m, VerifyOptions{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range v.Tables {
		if d.State != backup.Same && d.State != backup.Unchecked {
			t.Errorf("table: %+v", d)
		}
	}
	for _, d := range v.Objects {
		if d.State != backup.Same {
			t.Errorf("object: %+v", d)
		}
	}
	if !v.Good && !t.Failed() {
		t.Errorf("the verdict is %v, for no reason given", v.Good)
	}
}
