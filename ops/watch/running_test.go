package watch

import (
	"os"
	"testing"

	"opsdeck/internal/lock"
)

// TestAWatchRunsTheJobsOfItsServices: one that only sends alerts, or is of another
// service, runs none of them, and no watch is no watch.
func TestAWatchRunsTheJobsOfItsServices(t *testing.T) {
	for _, c := range []struct {
		alone         bool
		only, service string
		runs          bool
	}{
		{false, "", "shop", true},
		{true, "", "shop", false},
		{false, "shop", "shop", true},
		{false, "shop two", "shop two", true},
		{false, "shop two", "shop", false},
		{true, "shop", "shop", false},
	} {
		dir := t.TempDir()
		held, err := lock.Take(LockPath(dir), lock.Holder{What: HolderName(c.alone, c.only)})
		if err != nil {
			t.Fatal(err)
		}
		who, err := RunningJobs(dir, c.service)
		if err != nil || (who != nil) != c.runs || who != nil && who.PID != os.Getpid() {
			t.Errorf("%+v: %+v, %v", c, who, err)
		}
		if any, err := Running(dir); err != nil || any == nil {
			t.Errorf("%+v: no watch is seen: %v", c, err)
		}
		held.Release()
		if who, err := RunningJobs(dir, c.service); who != nil || err != nil {
			t.Errorf("%+v: it has ended: %+v, %v", c, who, err)
		}
	}
}
