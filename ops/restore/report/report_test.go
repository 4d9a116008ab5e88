package report_test

import (
	"strings"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
)

var ended = time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)

func TestReportClaimsNoDowntimeOfAServiceThatWasLeftAlone(t *testing.T) {
	s := restore.Snapshot{Stage: restore.Done, Trail: []restore.Mark{
		{Stage: restore.Stopping, Begin: ended, End: ended.Add(time.Second)},
		{Stage: restore.Readying, Begin: ended.Add(time.Minute), End: ended.Add(time.Minute + 30*time.Second)},
	}}
	undone := restore.Snapshot{Stage: restore.Undone, Trail: append(s.Trail[:len(s.Trail):len(s.Trail)],
		restore.Mark{Stage: restore.UndoStopping, Begin: ended.Add(time.Hour)},
		restore.Mark{Stage: restore.UndoReadying, Begin: ended.Add(time.Hour),
			End: ended.Add(time.Hour + 5*time.Second)})}
	if got := undone.Down(ended.Add(2 * time.Hour)); got != 95*time.Second {
		t.Errorf("down for %s with the undo", got)
	}
	for kind, want := range map[string]string{"pm2": "the service was down for 1 m 30 s",
		"none": "the service was not stopped by opsdeck"} {
		p := &restore.Plan{Mode: restore.Swap, Process: restore.Process{Kind: kind, Name: "backend"}}
		a := report.Tell(p, s, ended.Add(2*time.Minute))
		if got := a.Message(lang.For("en")); !strings.Contains(got, want) {
			t.Errorf("%s: %s", kind, got)
		}
		if down := a.DownMS > 0; down != (kind == "pm2") {
			t.Errorf("%s: down for %d ms", kind, a.DownMS)
		}
	}
}
