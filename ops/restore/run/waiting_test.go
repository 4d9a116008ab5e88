package run

import (
	"testing"
	"time"

	"opsdeck/ops/restore"
)

// TestARowOfTriesWaitsSinceItsFirstQuestion: a restore that waits for the server asks again after
// each try; what it waits for began with the first.
func TestARowOfTriesWaitsSinceItsFirstQuestion(t *testing.T) {
	began := time.Date(2026, 1, 29, 6, 18, 21, 0, time.UTC)
	mark := func(stage restore.Stage, after time.Duration) restore.Mark {
		return restore.Mark{Stage: stage, Begin: began.Add(after)}
	}
	trail := []restore.Mark{
		mark(restore.AskSave, 0), mark(restore.Loading, 2*time.Second),
		mark(restore.AskLoad, 3*time.Second), mark(restore.Loading, 5*time.Second),
		mark(restore.AskLoad, 6*time.Second), mark(restore.Loading, 8*time.Second),
		mark(restore.AskLoad, 9*time.Second),
	}
	for busy, want := range map[bool]time.Duration{true: 3 * time.Second, false: 9 * time.Second} {
		r := &Run{
			Folder: Folder{Path: t.TempDir()},
			State:  restore.Snapshot{Stage: restore.AskLoad, Trail: trail},
			Lines:  []Line{{Event: &restore.Event{Kind: restore.KindFailed, Busy: busy}}},
		}
		if w := r.Waiting(); w == nil || !w.Since.Equal(began.Add(want)) {
			t.Errorf("busy %v: %+v, want since %s", busy, w, began.Add(want))
		}
	}
}
