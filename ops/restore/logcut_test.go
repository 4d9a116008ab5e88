package restore_test

import (
	"testing"
	"time"

	"opsdeck/ops/restore"
)

func TestARestoreBySwapCutsTheLog(t *testing.T) {
	at := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	mark := func(stage restore.Stage, minute int) restore.Mark {
		return restore.Mark{Stage: stage, End: at.Add(time.Duration(minute) * time.Minute)}
	}
	swapped := []restore.Mark{mark(restore.Swapping, 1), mark(restore.Verifying, 2)}
	undone := append(swapped[:2:2], mark(restore.UndoSwapping, 3), mark(restore.UndoReadying, 4))
	for name, c := range map[string]struct {
		mode restore.Mode
		log  bool
		s    restore.Snapshot
		want time.Time
	}{
		"restored":       {restore.Swap, true, restore.Snapshot{Swapped: true, Trail: swapped}, at.Add(time.Minute)},
		"undone":         {restore.Swap, true, restore.Snapshot{Trail: undone}, at.Add(3 * time.Minute)},
		"failed to swap": {restore.Swap, true, restore.Snapshot{Trail: swapped[:1]}, time.Time{}},
		"no log":         {restore.Swap, false, restore.Snapshot{Swapped: true, Trail: swapped}, time.Time{}},
		"in place":       {restore.InPlace, true, restore.Snapshot{Swapped: true, Trail: swapped}, time.Time{}},
	} {
		p := &restore.Plan{Mode: c.mode, Assessment: &restore.Assessment{Server: restore.ServerState{BinaryLog: c.log}}}
		if got := p.LogCut(c.s); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
