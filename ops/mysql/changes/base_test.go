package changes

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"filippo.io/age"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

// Of a log file whose beginning is archived only the rest is fetched from the server, even if
// the archive ends inside a transaction; what is read is the whole file, from any position.
// If the archived part cannot be read, the whole file is fetched.
func TestOnlyTheRestOfAnOpenFileIsFetched(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		target := mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User,
			Password: s.Password}
		in := s.Schema(t)
		large := "INSERT INTO rest VALUES (NULL, REPEAT('x', 640000))"
		s.Exec(t, in, "CREATE TABLE rest (i INT AUTO_INCREMENT PRIMARY KEY, b LONGTEXT)", "FLUSH BINARY LOGS",
			"SET SESSION binlog_format=ROW", large, large, large,
			"BEGIN", large, large, large, "COMMIT")
		key, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		server, err := format.Ask(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		inside := binlog.Position{File: server.Now.File, Pos: server.Now.Pos}
		inside.Pos -= 1_000_000 // inside the last transaction
		for name, keys := range map[string][]age.Identity{"plain": nil, "encrypted": {key}, "sealed": {key}} {
			folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
			o := binarchive.Options{Target: target, Folder: folder, Keys: keys, Stop: &inside, Start: inside.File}
			if len(keys) > 0 {
				o.Recipients = []string{key.Recipient().String()}
			}
			if _, err := binarchive.Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if name == "sealed" {
				keys = nil
			}
			src := mustOpen(t, folder, keys, target)
			got := transactions(t, src, in)
			whole := mustOpen(t, binarchive.Folder{Dir: t.TempDir()}, nil, target)
			want := transactions(t, whole, in)
			if !slices.Equal(got, want) || len(got) < 4 {
				t.Errorf("%s: transactions %v, want %v", name, got, want)
			}
			only := slices.ContainsFunc(src.pieces, func(p piece) bool { return p.base != nil })
			if only != (name != "sealed") {
				t.Errorf("%s: only the rest was fetched: %t", name, only)
			}
		}
	})
}

func mustOpen(t *testing.T, folder binarchive.Folder, keys []age.Identity, target mysql.Target) *Source {
	t.Helper()
	src, err := Open(t.Context(), folder, keys, target)
	if err != nil || src.LiveErr != nil {
		t.Fatal(err, src.LiveErr)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// transactions are those that change rows of a database.
func transactions(t *testing.T, src *Source, in string) (all []string) {
	t.Helper()
	q := Query{Query: binlog.Query{Filter: binlog.Filter{Schema: in}}}
	err := src.List(t.Context(), q, func(tx *binlog.Transaction) error {
		if tx.Rows() > 0 {
			all = append(all, fmt.Sprint(tx.ID, " ", tx.Rows(), " ", tx.End))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
