package swap_test

import (
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/ops/restore"
)

// TestThePlanNamesTheEventsThatWillRun has an event that runs within the hour, one that is
// disabled and one that begins tomorrow. MySQL's scheduler is on by default.
func TestThePlanNamesTheEventsThatWillRun(t *testing.T) {
	f := newField(t, testdb.MySQL(t))
	const do = " DO UPDATE orders SET id = id"
	f.db.Exec(t, f.live, "CREATE EVENT soon ON SCHEDULE EVERY 1 HOUR STARTS NOW() + INTERVAL 30 MINUTE"+do,
		"CREATE EVENT off ON SCHEDULE EVERY 1 SECOND STARTS NOW() + INTERVAL 30 MINUTE DISABLE"+do,
		"CREATE EVENT tomorrow ON SCHEDULE EVERY 1 SECOND STARTS NOW() + INTERVAL 1 DAY"+do)
	named := func() string {
		for _, k := range f.plan(restore.Swap).Findings {
			if what := k.What.Msg.String(); strings.HasPrefix(what, "events of ") {
				return what + "\n" + k.Hint.Msg.String()
			}
		}
		return ""
	}
	said := named()
	statement := "ALTER EVENT `" + f.live + "`.`soon` DISABLE"
	if !strings.Contains(said, ": soon (EVERY 1 HOUR)\n") || !strings.Contains(said, ": "+statement+";") {
		t.Errorf("%q", said)
	}
	if armed := f.plan(restore.Swap).Assessment.Armed; len(armed) != 1 || armed[0].Disable != statement {
		t.Errorf("step 2 names %+v", armed)
	}
	f.db.Exec(t, "", statement)
	if said := named(); said != "" {
		t.Errorf("without it: %q", said)
	}
}
