package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
)

// TestTheReportCountsWhatWasWrittenAfterThePlan has a service that writes until it is stopped: the
// plan and its export lack these rows, the report of the end does not, and says where they are.
func TestTheReportCountsWhatWasWrittenAfterThePlan(t *testing.T) {
	for _, mode := range []string{"swap", "in-place"} {
		t.Run(mode, func(t *testing.T) {
			s := newSite(t, testdb.MariaDB(t))
			up := filepath.Join(s.dir, "up")
			stopping, stopped := filepath.Join(s.dir, "stopping"), filepath.Join(s.dir, "stopped")
			s.amend(`"rm -f `+up+`"`, `"touch `+stopping+`; until test -e `+stopped+`; do sleep 0.02; done; rm -f `+up+`"`)
			s.must("backup", "create")
			s.db.Exec(t, s.live, "INSERT INTO orders (customer_id, amount) VALUES (1, 77)")
			done := make(chan outcome)
			go func() {
				done <- s.run("restore", "--confirm", s.live, "--mode", mode, "--export-lost", filepath.Join(s.dir, "lost"))
			}()
			for _, err := os.Stat(stopping); err != nil; _, err = os.Stat(stopping) {
				select {
				case o := <-done:
					t.Fatalf("it stopped nothing: %s%s", o.out, o.err)
				case <-time.After(20 * time.Millisecond):
				}
			}
			s.db.Exec(t, s.live, "INSERT INTO orders (customer_id, amount) VALUES (1, 78), (2, 79)",
				"UPDATE customers SET name = 'x' WHERE id = 1")
			s.write("stopped", "")
			if o := <-done; o.code != 0 {
				t.Fatalf("exit %d: %s%s", o.code, o.out, o.err)
			}
			report := s.must("restore", "report").out
			for _, want := range []string{"About 3 rows written after", "Changes to 1 row are lost", "| orders | 3 |",
				"when nothing wrote to it any more", "3 of the lost rows are in none of these files",
				"restore rescue --table orders --from emergency_backup_"} {
				if !strings.Contains(report, want) {
					t.Errorf("the report lacks %q:\n%s", want, report)
				}
			}
		})
	}
}
