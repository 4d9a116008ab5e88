package replay

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql/binarchive"
)

// The files of an encrypted log cannot be read, and the server sends the events as they were:
// they are archived and replayed as those of any other log.
func TestAnEncryptedLogIsReadOverTheConnection(t *testing.T) {
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) { readsEncrypted(t, testdb.WithEncryptedLog(t, flavour)) })
	}
}

func readsEncrypted(t *testing.T, s *testdb.Server) {
	w := newWorld(t, s, "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(40))", "INSERT INTO a VALUES (1, 'before')")
	w.work(t, "INSERT INTO a VALUES (2, 'a text in the clear')", "FLUSH BINARY LOGS", "UPDATE a SET v = 'after' WHERE id = 1")
	for _, name := range []string{"binlog.000001", "binlog.000002"} {
		raw, err := os.ReadFile(filepath.Join(s.DataDir(), name))
		if err != nil || bytes.Contains(raw, []byte("in the clear")) || len(raw) < 300 {
			t.Fatalf("%s is not encrypted: %d bytes, %v", name, len(raw), err)
		}
	}
	folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
	_, err := binarchive.Run(t.Context(),
		binarchive.Options{Target: target(s), Folder: folder, Who: lock.Holder{What: "a test"}})
	if err != nil {
		t.Fatal(err)
	}
	w.work(t, "DELETE FROM a WHERE id = 2", "INSERT INTO a VALUES (3, 'of the server')")
	end := now(t, s)
	f, state := w.replay(t, w.logFrom(t, folder, nil), binlog.Moment{Position: &end.Position})
	w.same(t)
	w.counted(t, state)
	if f.Transactions != 4 {
		t.Errorf("%d transactions", f.Transactions)
	}
}
