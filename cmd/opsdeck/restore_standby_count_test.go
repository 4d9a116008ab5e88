package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/mysql/replay"
)

// A standby to which another number of transactions was applied than the plan counted is not
// used: the backup is loaded instead, and the rows are right.
func TestAStandbyOfAnotherCountIsNotUsed(t *testing.T) {
	testdb.Beside(t, func(t *testing.T, db *testdb.Server) {
		s := newStandbySite(t, db)
		db.Exec(t, s.live, inRows(dayAtTheShop[:6]...)...)
		s.forward()
		good := s.dump()
		db.Exec(t, s.live, inRows("DELETE FROM orders")...)
		id := s.newestID("orders")
		// The service's stop, after the plan, makes the standby count one transaction more.
		s.write("stop", fmt.Sprintf("rm -f %s\n%s --defaults-extra-file=%s -h127.0.0.1 -P%d -e \"%s\"\n",
			filepath.Join(s.dir, "up"), db.Tool(t, "mysql"), s.options, db.Port,
			"SET sql_log_bin = 0; UPDATE "+s.standing().Schema+"."+replay.Table+
				` SET what = REPLACE(what, '\"transactions\":', '\"transactions\":1')`+
				" WHERE id = 1"))
		s.amend(`stop: "rm -f `+filepath.Join(s.dir, "up"), `stop: "sh `+filepath.Join(s.dir, "stop"))
		o := s.must("restore", "--before", id, "--json", "--confirm", s.live)
		if !strings.Contains(o.out, "the replay differs from its plan") ||
			!strings.Contains(o.out, "the backup is loaded instead") {
			t.Errorf("the other count was not seen:\n%s", o.out)
		}
		sameDump(t, good, s.dump())
	})
}
