package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
)

// afterTheDay is an accident, and what came after it: one row is new, one was changed, one
// deleted.
var afterTheDay = []string{
	"DELETE FROM orders",
	"INSERT INTO customers (name) VALUES ('late')",
	"UPDATE customers SET name = 'renamed' WHERE id = 1",
	"DELETE FROM ar_invoices WHERE id = 3",
}

// TestUndoAfterAReplayLosesOnlyWhatWasWrittenSince restores to a moment and undoes that:
// the replayed rows are not newer than the restore.
func TestUndoAfterAReplayLosesOnlyWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		for _, mode := range []string{"swap", "in-place"} {
			t.Run(mode, func(t *testing.T) {
				s := newSite(t, db)
				s.must("backup", "create")
				db.Exec(t, s.live, inRows(dayAtTheShop[:9]...)...)
				db.Exec(t, s.live, inRows(afterTheDay[0])...)
				id := s.newestID(s.live + ".orders")
				db.Exec(t, s.live, inRows(afterTheDay[1:]...)...)

				o := s.run("restore", "--before", id, "--mode", mode, "--confirm", s.live)
				if o.code != 0 {
					t.Fatalf("exit %d\n%s\n%s", o.code, o.out, o.err)
				}
				tells(t, o.err,
					"will be lost: customers  1 row, 1 changed row",
					"will be lost: orders  3 deletions",
					"will be lost: ar_invoices  1 deletion",
					"total: 1 newer row, 1 changed row, 4 deletions")
				report := s.must("restore", "report").out
				tells(t, report, " transactions of the binlog, to ",
					"| table | rows | in the backup | after the replay |", "| orders | 3 | 2 | 3 | ok |",
					"| made_later | 3 | – | 3 | ok |")

				backUpNow := said(mode == "swap")
				backUpNow(t, o.out+report, "Make a full backup, unless there is one since: opsdeck ",
					"The binlog cannot be replayed across this restore.")

				o = s.must("restore", "undo", "--confirm", s.live)
				backUpNow(t, o.out+s.must("restore", "report").out,
					"Make a full backup, unless there is one since: opsdeck ",
					"The binlog cannot be replayed across this restore.")
				silent(t, o.err, "written since the restore;")
				tells(t, o.err, "nothing will be lost: the binlog has no later changes")
				tells(t, s.must("restore", "report").out, "rows written since the restore: 0")

				s.must("restore", "--before", id, "--mode", mode, "--confirm", s.live)
				db.Exec(t, s.live, inRows("INSERT INTO customers (id, name) VALUES (77, 'since')",
					"UPDATE orders SET amount = 12 WHERE id = 1", "DELETE FROM ar_invoices WHERE id = 1")...)
				o = s.must("restore", "undo", "--confirm", s.live)
				tells(t, o.err, "written since the restore; exported, then removed: customers  1 row",
					"removed: orders  1 changed row", "bring them back: ar_invoices  1 deletion")
				silent(t, o.err, "made_later")
				s.wroteSince(t)
				report = s.must("restore", "report").out
				tells(t, report, "The undo removed what was written since the restore: 1 newer row, 1 changed row, "+
					"1 deletion.", "Exported to: ", "## What the undo removed", "| customers | 1 |")
				silent(t, report, "What was lost", "restored to", "made_later |", "| orders | 0 | 3 deletions")
				s.putBack(report)
				var back string
				row := db.Open(t, s.live).QueryRow("SELECT name FROM customers WHERE id = 77")
				if err := row.Scan(&back); err != nil || back != "since" {
					t.Errorf("put back: %q, %v", back, err)
				}

				backUpNow(t, s.run("status", "--only", "backup").out, "a restore swapped the tables at ")
				s.must("backup", "create")
				silent(t, s.run("status", "--only", "backup").out, "a restore swapped the tables at ")
			})
		}
	})
}

// wroteSince holds that the newest undo exported the three rows, and no replayed one.
func (s *realSite) wroteSince(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "state", "restores", "*", "later-writes", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.Base(f))
		// A row that changed is removed before any is inserted.
		deleted := bytes.Count(text, []byte("\nDELETE FROM "))
		inserted := bytes.Count(text, []byte("\nINSERT INTO "))
		if n := max(deleted, inserted); n != 1 {
			t.Errorf("%s brings back %d rows:\n%s", f, n, text)
		}
	}
	if got := strings.Join(names, " "); got != "ar_invoices.sql customers.sql orders.sql" {
		t.Errorf("exported %q", got)
	}
}

// said is tells, or silent.
func said(is bool) func(t *testing.T, text string, words ...string) {
	if is {
		return tells
	}
	return silent
}

func tells(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func silent(t *testing.T, text string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(text, w) {
			t.Errorf("%q is said in:\n%s", w, text)
		}
	}
}
