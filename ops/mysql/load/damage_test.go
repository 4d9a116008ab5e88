package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/dump"
)

// hole is a file of which a part cannot be read.
type hole struct {
	io.ReaderAt
	from, to int64
}

func (h hole) ReadAt(p []byte, off int64) (int, error) {
	if off < h.to && off+int64(len(p)) > h.from {
		return 0, errors.New("read of a part that is not needed")
	}
	return h.ReaderAt.ReadAt(p, off)
}

// small makes a small backup with rows, a view and a procedure.
func small(t *testing.T, s *testdb.Server, o dump.Options) *Source {
	t.Helper()
	from := s.Schema(t)
	s.Exec(
		t,
		from,
		"CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20))",
		"INSERT INTO t VALUES (1,'x'),(2,'y'),(3,NULL)",
		"CREATE VIEW v AS SELECT a FROM t",
		"CREATE PROCEDURE p() SELECT 1",
	)
	o.Databases = []string{from}
	return backedUp(t, s, o)
}

// unpackAll reads all members, as a load does, without a server.
func unpackAll(src *Source) error {
	u := newUnpacker(src)
	defer u.close()
	for _, m := range src.Manifest.Members {
		if _, err := u.member(context.Background(), nil, m); err != nil {
			return err
		}
	}
	return nil
}

func TestEveryFlippedBitAndEveryCutIsFound(t *testing.T) {
	for _, compress := range []string{"gzip", "zstd"} {
		t.Run(compress, func(t *testing.T) {
			s := testdb.MariaDB(t)
			src := small(t, s, dump.Options{Compress: compress})
			whole, err := os.ReadFile(src.Path)
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := os.ReadFile(src.Path + backup.ManifestSuffix)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), filepath.Base(src.Path))
			try := func(data, manifest []byte) error {
				if err := errors.Join(os.WriteFile(path, data, 0o600),
					os.WriteFile(path+backup.ManifestSuffix, manifest, 0o600)); err != nil {
					t.Fatal(err)
				}
				src, err := Open(path)
				if err != nil {
					return err
				}
				defer src.Close()
				return unpackAll(src)
			}
			if err := try(whole, manifest); err != nil {
				t.Fatal(err)
			}
			for i := range whole {
				if err := try(flipped(whole, i), manifest); err == nil {
					t.Errorf("byte %d of the file: not found", i)
				}
			}
			for i := range manifest {
				if i%3 == 0 && try(whole, flipped(manifest, i)) == nil {
					t.Errorf(
						"byte %d of the manifest, %q: not found",
						i,
						manifest[max(0, i-10):min(len(manifest), i+10)],
					)
				}
			}
			for i := 0; i < len(whole); i += 5 {
				if try(whole[:i], manifest) == nil {
					t.Errorf("file cut at %d: not found", i)
				}
			}
			for i := 0; i < len(manifest)-2; i += 7 {
				if try(whole, manifest[:i]) == nil {
					t.Errorf("manifest cut at %d: not found", i)
				}
			}
		})
	}
}

func flipped(data []byte, i int) []byte {
	c := bytes.Clone(data)
	c[i] ^= 1 << (i % 8)
	return c
}

func TestNothingIsMadeOfADamagedBackup(t *testing.T) {
	s := testdb.MariaDB(t)
	src := small(t, s, dump.Options{})
	data, err := os.ReadFile(src.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range src.Manifest.Members {
		if m.Kind == backup.MemberRows || m.Kind == backup.MemberTrailer {
			continue
		}
		bad := *src
		bad.file = bytes.NewReader(flipped(data, int(m.Offset+m.Length/2)))
		_, err := Run(context.Background(), target(s), &bad, Options{Schema: "never_damaged", Definer: DefinerCurrent})
		var known *ops.Error
		if !errors.As(err, &known) {
			t.Errorf("%s %s: %v", m.Kind, m.Object, err)
		}
	}
	var n int
	if err := s.Open(t, "").QueryRow("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = " +
		"'never_damaged'").Scan(&n); err != nil ||
		n != 0 {
		t.Errorf("the schema was made (%v)", err)
	}
}

func TestABackupOfAnotherEngineIsProvenByItsManifest(t *testing.T) {
	s := testdb.MariaDB(t)
	src := small(t, s, dump.Options{})
	data, err := os.ReadFile(src.Path)
	if err != nil {
		t.Fatal(err)
	}
	m := *src.Manifest
	m.Engine, m.Members = "mysqldump", nil
	other := *src
	other.Manifest = &m
	schema := s.Schema(t)
	if r := mustRun(t, s, &other, Options{Schema: schema, Definer: DefinerCurrent}); r.Native || r.Rows != 3 {
		t.Errorf("%+v", r)
	}
	mustVerify(t, s, &m, schema)
	other.stored = bytes.NewReader(flipped(data, len(data)-3))
	if _, err := Run(context.Background(), target(s), &other,
		Options{Schema: "never_damaged", Definer: DefinerCurrent}); err == nil {
		t.Error("a changed file is taken")
	}
}

func TestTwoLoadsIntoOneSchemaAreKeptApart(t *testing.T) {
	s := testdb.MariaDB(t)
	src := backedUp(t, s, dump.Options{Databases: []string{filled(t, s)}})
	schema := s.Schema(t)
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := Run(context.Background(), target(s), src, Options{Schema: schema, Definer: DefinerCurrent})
			errs <- err
		}()
	}
	first, second := <-errs, <-errs
	if (first == nil) == (second == nil) {
		t.Errorf("%v, %v", first, second)
	}
	mustVerify(t, s, src.Manifest, schema)
}
