package load

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"opsdeck/internal/testdb"
	"opsdeck/ops"
	"opsdeck/ops/mysql/dump"
)

// zoo fills a schema with everything that a dump can get wrong.
func zoo(t *testing.T, s *testdb.Server) string {
	t.Helper()
	name := s.Schema(t)
	for _, file := range []string{"common.sql", s.Flavour + ".sql"} {
		text, err := os.ReadFile(filepath.Join("../../../testdata/zoo", file))
		if err != nil {
			t.Fatal(err)
		}
		s.Client(t, name, strings.NewReader(string(text)))
	}
	return name
}

// backedUp makes a backup of our own and opens it.
func backedUp(t *testing.T, s *testdb.Server, o dump.Options) *Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), o.Databases[0]+".sql.gz")
	if _, err := dump.Run(context.Background(), target(s), o, path); err != nil {
		t.Fatal(err)
	}
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func TestOurBackupComesBackAsItWas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		from := zoo(t, s)
		src := backedUp(t, s, dump.Options{Databases: []string{from}})
		want := dumped(t, s, from)
		for _, o := range []Options{{}, {NoLocal: true, Jobs: 1, NoDefer: true}} {
			o.Schema, o.Events, o.Definer = s.Schema(t), true, DefinerKeep
			mustRun(t, s, src, o)
			if got := dumped(t, s, o.Schema); got != want {
				t.Errorf("%+v: the copy differs: %s", o, difference(want, got))
			}
			mustVerify(t, s, src.Manifest, o.Schema)
		}
	})
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "line\n" + a[i] + "\n" + b[i]
		}
	}
	return "length"
}

func TestEncryptedAndZstdBackupsComeBack(t *testing.T) {
	s := testdb.MariaDB(t)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	from := filled(t, s)
	for _, o := range []dump.Options{{Compress: "zstd"}, {Recipients: []string{id.Recipient().String()}}} {
		o.Databases = []string{from}
		path := filepath.Join(t.TempDir(), "x.sql")
		if _, err := dump.Run(context.Background(), target(s), o, path); err != nil {
			t.Fatal(err)
		}
		if len(o.Recipients) > 0 {
			if _, err := Open(path); ops.CodeOf(err) != ops.Config {
				t.Errorf("opened without the identity: %v", err)
			}
		}
		src, err := Open(path, id)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		schema := s.Schema(t)
		mustRun(t, s, src, Options{Schema: schema, Definer: DefinerCurrent})
		mustVerify(t, s, src.Manifest, schema)
	}
}
