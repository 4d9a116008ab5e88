package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// TestNoKeyIsGivenTwice: what the service writes after a restore or an undo gets none of the keys
// that lost rows had, also where the live table was dropped, so that the exported rows can be put
// back by the command that the report prints.
func TestNoKeyIsGivenTwice(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newSite(t, db)
		db.Exec(t, s.live, "CREATE TABLE receipts (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(20) UNIQUE)",
			"INSERT INTO receipts (who) VALUES ('a'), ('b')")
		s.must("backup", "create")
		db.Exec(t, s.live, "INSERT INTO receipts (who) VALUES ('lost 3'), ('lost 4')", "UPDATE receipts SET who = 'x' "+
			"WHERE id = 1", "UPDATE receipts SET who = 'a' WHERE id = 2", "UPDATE receipts SET who = 'b' WHERE id = 1")

		folder := filepath.Join(s.dir, "lost rows")
		s.must("restore", "--confirm", s.live, "--export-lost", folder)
		s.nextIs(5, "after the swap")
		report := s.must("restore", "report").out
		tells(t, report, "The next values: receipts 5")
		s.putBack(report)
		var got string
		row := db.Open(t, s.live).QueryRow("SELECT GROUP_CONCAT(id, who ORDER BY id) FROM receipts")
		if err := row.Scan(&got); err != nil || got != "1b,2a,3lost 3,4lost 4,5after the swap" {
			t.Errorf("put back: %s, %v", got, err)
		}

		s.must("restore", "undo", "--confirm", s.live)
		s.nextIs(6, "after the undo")

		db.Exec(t, s.live, "DROP TABLE receipts")
		s.must("restore", "--mode", "in-place", "--confirm", s.live)
		s.nextIs(7, "in place")
		s.must("restore", "undo", "--confirm", s.live)
	})
}

// putBack types the one command of a report that puts exported rows back.
func (s *realSite) putBack(report string) {
	s.t.Helper()
	if n := strings.Count(report, "for f in "); n != 1 {
		s.t.Fatalf("%d commands in:\n%s", n, report)
	}
	_, command, _ := strings.Cut(report, "\n    for f in ")
	command, _, _ = strings.Cut(command, "\n")
	load := exec.Command("sh", "-c", "for f in "+command)
	load.Env = append(os.Environ(), "PATH="+filepath.Dir(s.db.Tool(s.t, "mysql"))+":"+os.Getenv("PATH"))
	if out, err := load.CombinedOutput(); err != nil || len(out) > 0 {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// nextIs inserts a receipt and expects its key.
func (s *realSite) nextIs(id int64, who string) {
	s.t.Helper()
	r, err := s.db.Open(s.t, s.live).Exec("INSERT INTO receipts (who) VALUES (?)", who)
	if err != nil {
		s.t.Fatal(err)
	}
	if got, err := r.LastInsertId(); got != id || err != nil {
		s.t.Errorf("%s: the next row got the key %d, and not %d: %v", who, got, id, err)
	}
}
