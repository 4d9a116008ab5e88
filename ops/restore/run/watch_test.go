package run_test

import (
	"context"
	"testing"
	"time"

	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// TestAWatchLooksAgainAtARunWithoutWorker: a watcher that tolerates a missing worker for a
// while is called again until it has seen enough.
func TestAWatchLooksAgainAtARunWithoutWorker(t *testing.T) {
	b := newBench(t, restore.Swap)
	ctx, cancel := context.WithCancel(context.Background())
	b.world.Before = func(_ context.Context, method string) {
		if method == "load" {
			cancel() // the worker ends midway
		}
	}
	if s, err := b.run(ctx, restore.KindBegin); err == nil || s.Stage != restore.Loading {
		t.Fatalf("%s, %v", s.Stage, err)
	}
	looks := 0
	err := b.folder.Watch(context.Background(), time.Millisecond, func(r *run.Run) bool {
		looks++
		return looks < 5
	})
	if err != nil || looks != 5 {
		t.Fatalf("%d looks, %v", looks, err)
	}
}
