package run

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// goneEvery is how often a worker looks whether its folder is still there.
const goneEvery = time.Second

// LeaveIfGone looks at the run's folder from now on, and calls leave when it was removed or
// replaced: what a worker writes after that is lost, and no answer can reach it. It ends then
// or with ctx. A folder that cannot be looked at for another reason counts as there.
func (f Folder) LeaveIfGone(ctx context.Context, leave context.CancelCauseFunc) {
	first, _ := os.Stat(f.Path)
	go func() {
		for {
			now, err := os.Stat(f.Path)
			if errors.Is(err, fs.ErrNotExist) || err == nil && first != nil && !os.SameFile(first, now) {
				leave(f.gone())
				return
			}
			select {
			case <-time.After(goneEvery):
			case <-ctx.Done():
				return
			}
		}
	}()
}

// gone is the error of a run without its folder.
func (f Folder) gone() error {
	return ops.E(ops.Failed, lang.M("the restore stopped: its folder %s was removed while it ran", f.Path)).
		WithHint(lang.M("the loaded data is kept, and the service may still be stopped; check: `opsdeck status`"))
}
