package run_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// A worker that waits for an answer ends when its folder was removed, and also when another
// one was made in its place; while the folder is there, it waits.
func TestAWorkerWithoutItsFolderEnds(t *testing.T) {
	t.Parallel()
	for _, replaced := range []bool{false, true} {
		b := newBench(t, restore.Swap)
		ctx, leave := context.WithCancelCause(t.Context())
		asked := make(chan struct{})
		inbox := run.FolderInbox{Folder: b.folder}
		b.folder.LeaveIfGone(ctx, leave)
		go func() {
			<-asked
			if replaced {
				os.Rename(b.folder.Path, b.folder.Path+".old")
				os.Mkdir(b.folder.Path, 0o700)
				return
			}
			os.RemoveAll(b.folder.Path)
		}()
		requests := inbox.Events(ctx)
		select {
		case <-requests:
			t.Fatal("it ended while the folder was there")
		default:
			close(asked)
		}
		for range requests {
		}
		var why *ops.Error
		if !errors.As(context.Cause(ctx), &why) {
			t.Errorf("ended by %v", context.Cause(ctx))
		}
	}
}
