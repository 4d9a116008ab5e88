package replay

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/binlog"
)

// mysqlbinlog | mysql, with the database name rewritten, gives the same rows in a third
// copy.
func TestTheServersOwnToolsComeToTheSame(t *testing.T) {
	testdb.Each(t, func(t *testing.T, s *testdb.Server) {
		for i := range rounds(t, 1) {
			seed := testenv.Seed(t) + uint64(i)
			t.Run(fmt.Sprintf("%x", seed), func(t *testing.T) {
				theirs := s.Schema(t)
				s.Exec(t, theirs, append([]string{"SET NAMES utf8mb4"}, randomTables...)...)
				s.Exec(t, "", "FLUSH BINARY LOGS")
				w, m := randomWorld(t, s, seed, 0, false)
				m.plain = true
				m.workOn(t, w, 40, false)
				end := now(t, s)
				w.replay(t, w.log(t), binlog.Moment{Position: &end.Position})
				if end.File != w.stand.File {
					t.Skip("the log went on in another file")
				}
				tool := exec.Command(s.Tool(t, "mysqlbinlog"), arguments(s, w, theirs, end)...)
				var errs bytes.Buffer
				tool.Stderr = &errs
				text, err := tool.Output()
				if err != nil {
					t.Fatal(err, errs.String())
				}
				s.Client(t, "", bytes.NewReader(text))
				w.sameRows(t)
				w.live = theirs
				w.sameRows(t)
			})
		}
	})
}

func arguments(s *testdb.Server, w *world, to string, end binlog.BackupPosition) []string {
	args := []string{
		fmt.Sprintf("--start-position=%d", w.stand.Pos), fmt.Sprintf("--stop-position=%d", end.Pos),
		"--rewrite-db=" + w.live + "->" + to,
	}
	if s.Flavour == "mysql" { // MySQL filters by the new name, MariaDB by the old one
		args = append(args, "--skip-gtids", "--database="+to)
	} else {
		args = append(args, "--database="+w.live)
	}
	return append(args, filepath.Join(s.DataDir(), end.File))
}
