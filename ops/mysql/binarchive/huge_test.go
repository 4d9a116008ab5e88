package binarchive

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/lock"
	"opsdeck/internal/testdb"
	"opsdeck/ops/binlog"
	format "opsdeck/ops/mysql/binlog"
)

// One transaction can make a log file of more than 4 GB, where 32-bit positions overflow.
// An archive that was interrupted beyond 4 GB resumes there and reaches the server's end.
// OPSDECK_HUGE enables the test, which writes and removes about 15 GB.
func TestALogFileOverFourGigabytes(t *testing.T) {
	if os.Getenv("OPSDECK_HUGE") == "" {
		t.Skip("set OPSDECK_HUGE, for 15 GB of logs")
	}
	for _, flavour := range []string{"mysql", "mariadb"} {
		t.Run(flavour, func(t *testing.T) {
			s := testdb.Private(t, flavour)
			in := s.Schema(t)
			// Each change of n logs the whole row image twice.
			s.Exec(t, in, "CREATE TABLE big (n INT, v LONGBLOB)", "INSERT INTO big VALUES (0, REPEAT('x', 10000000))",
				"FLUSH BINARY LOGS", "SET SESSION binlog_format=ROW", "BEGIN;"+strings.Repeat("UPDATE big SET n = n + 1;", 225)+"COMMIT",
				"CREATE TABLE small (i INT)", "INSERT INTO small VALUES (1), (2)")
			folder := Folder{Dir: filepath.Join(t.TempDir(), "binlog")}
			fetch := func(stop *binlog.Position) Result {
				t.Helper()
				server := ask(t, s)
				if stop != nil {
					stop.File = server.Logs[len(server.Logs)-2].File
				}
				r, err := Run(context.Background(),
					Options{Target: target(s), Folder: folder, Who: lock.Holder{What: "a test"}, Stop: stop})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			const beyond = math.MaxUint32 + 1<<20
			first := fetch(&binlog.Position{Pos: beyond})
			if first.At.Pos < beyond || first.At.Pos > beyond+40<<20 {
				t.Fatalf("the archive stopped at %s", first.At)
			}
			second := fetch(nil)
			end := ask(t, s).Now
			if second.At.File != end.File || second.At.Pos != end.Pos {
				t.Errorf("the archive ends at %s, the server at %+v", second.At, end)
			}
			if len(first.Gaps)+len(second.Gaps) > 0 {
				t.Errorf("gaps: %+v %+v", first.Gaps, second.Gaps)
			}
			segments, err := folder.Segments(second.Server)
			if err != nil {
				t.Fatal(err)
			}
			over := 0
			for _, seg := range segments {
				if c := folder.Verify(t.Context(), seg, nil, nil); c.Err != nil {
					t.Errorf("%s: %v", seg.Name, c.Err)
				}
				if seg.ToPos > math.MaxUint32 {
					over++
				}
			}
			if over != 1 {
				t.Errorf("%d files over 4 GB", over)
			}
		})
	}
}

func ask(t *testing.T, s *testdb.Server) *format.Server {
	t.Helper()
	server, err := format.Ask(t.Context(), target(s))
	if err != nil {
		t.Fatal(err)
	}
	return server
}
