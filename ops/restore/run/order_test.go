package run_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// TestRunsOfOneSecondAreSortedByTime plans three restores within a second, whose ids sort
// in the opposite order, and starts one of them late.
func TestRunsOfOneSecondAreSortedByTime(t *testing.T) {
	st := run.Store{Dir: t.TempDir()}
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	var ids []string
	for i, random := range []uint16{0xf000, 0x8000, 0x1000} {
		made := at.Add(time.Duration(i) * 10 * time.Millisecond)
		p := &restore.Plan{FormatVersion: restore.PlanVersion, ID: restore.NewID(made, random), CreatedAt: made}
		if _, err := st.Save(p); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	expect := func(want ...string) {
		t.Helper()
		if got, err := st.Runs(); err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	expect(ids[2], ids[1], ids[0])
	j, err := run.OpenJournal(st.Folder(ids[0]).JournalPath())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Append(run.Line{Time: at.Add(time.Hour), Stage: restore.Checking,
		Event: &restore.Event{Kind: restore.KindBegin}}); err != nil {
		t.Fatal(err)
	}
	expect(ids[0], ids[2], ids[1])
	os.WriteFile(st.Folder(ids[1]).PlanPath(), []byte("{"), 0o600) // unreadable: sorted by its id
	expect(ids[0], ids[2], ids[1])
}
