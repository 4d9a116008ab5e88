package changes

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/binarchive"
	format "opsdeck/ops/mysql/binlog"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// A position in a file that the server has, but that is too old to read from it, is
// reported differently from one that nobody has; an archive of the log reaches it.
func TestAPlaceTooFarBackInTheServersLog(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		target := mysql.Target{Network: "tcp", Addr: fmt.Sprintf("%s:%d", s.Host, s.Port), User: s.User,
			Password: s.Password}
		at := s.LogPosition(t)
		server, err := format.Ask(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		in := s.Schema(t)
		s.Exec(t, in, "CREATE TABLE a (i INT)", "FLUSH BINARY LOGS", "INSERT INTO a VALUES (1)")
		before := mostLive
		mostLive = 10
		t.Cleanup(func() { mostLive = before })
		folder := binarchive.Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
		from := func(file string) error {
			t.Helper()
			src, err := Open(t.Context(), folder, nil, target)
			if err != nil || src.LiveErr != nil {
				t.Fatal(err, src.LiveErr)
			}
			defer src.Close()
			_, err = src.From("", []binlog.BackupPosition{{Position: binlog.Position{File: file, Pos: at.Pos},
				GTID: at.GTID, Server: server.ID, At: time.Now()}})
			return err
		}
		var unread *UnreadError
		if err := from(at.File); !errors.As(err, &unread) || unread.File != at.File ||
			!errors.Is(err, ErrNoStart) {
			t.Errorf("a file that is too far back: %v", err)
		}
		if err := from("binlog.999999"); !errors.Is(err, ErrNoStart) || errors.As(err, &unread) {
			t.Errorf("a file that nobody has: %v", err)
		}
		if _, err := binarchive.Run(t.Context(), binarchive.Options{Target: target, Folder: folder}); err != nil {
			t.Fatal(err)
		}
		if err := from(at.File); err != nil {
			t.Errorf("with the archive: %v", err)
		}
	})
}
