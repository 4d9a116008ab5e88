package run_test

import (
	"context"
	"strings"
	"testing"

	"opsdeck/ops/restore"
)

// TestAServiceThatCameBackStopsTheSwap: the live tables are not replaced while the service
// runs, on the way forward and on the way back, and the restore goes on once it is stopped.
func TestAServiceThatCameBackStopsTheSwap(t *testing.T) {
	for mode, c := range map[restore.Mode]struct {
		comesBackAt string // this act of the world
		asks        restore.Stage
		undoAt      string
		asksUndo    restore.Stage
	}{
		restore.Swap:    {"verify", restore.AskSwap, "export", restore.AskUndoSwap},
		restore.InPlace: {"save", restore.AskLoad, "export", restore.AskUndoLoad},
	} {
		b := newBench(t, mode)
		b.policy[restore.AskNotify] = restore.KindSilent
		comesBack := func(at string) {
			b.world.Before = func(ctx context.Context, method string) {
				if method == at {
					b.world.Before = nil
					if _, err := b.world.Start(ctx, restore.Process{}); err != nil {
						t.Error(err)
					}
				}
			}
		}
		refuses := func(first restore.Kind, at restore.Stage, live string) {
			t.Helper()
			s, _ := b.run(context.Background(), first)
			if said := said(s.Why); s.Stage != at || b.world.Look().Live != live ||
				!strings.Contains(said, "backend is running again") || !strings.Contains(said, "pm2 stop backend") {
				t.Fatalf("%s: it is at %s and says %q, live is %s", mode, s.Stage, said, b.world.Look().Live)
			}
			if _, _, err := b.world.Stop(context.Background(), restore.Process{}); err != nil {
				t.Fatal(err)
			}
		}
		comesBack(c.comesBackAt)
		refuses(restore.KindBegin, c.asks, "damaged")
		b.policy[c.asks] = restore.KindRetry
		if s, err := b.run(context.Background(), restore.KindResume); err != nil || s.Stage != restore.Done {
			t.Fatalf("%s: %s, %v", mode, s.Stage, err)
		}
		comesBack(c.undoAt)
		refuses(restore.KindUndo, c.asksUndo, "good")
		b.policy[c.asksUndo] = restore.KindRetry
		if s, err := b.run(context.Background(), restore.KindResume); err != nil || s.Stage != restore.Undone {
			t.Fatalf("%s: undo: %s, %v", mode, s.Stage, err)
		}
		if w := b.world.Look(); w.Live != "damaged" || !w.Running {
			t.Errorf("%s: %+v", mode, w)
		}
	}
}
