package run

import (
	"context"
	"time"
)

// inboxEvery is how often the worker looks for answers.
const inboxEvery = 100 * time.Millisecond

// FolderInbox takes requests from a run's folder.
type FolderInbox struct{ Folder Folder }

// Events delivers the requests that are left in the folder.
func (in FolderInbox) Events(ctx context.Context) <-chan Request {
	out := make(chan Request)
	go func() {
		defer close(out)
		tick := time.NewTicker(inboxEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			for ctx.Err() == nil {
				q, ok := in.Folder.take()
				if !ok {
					break
				}
				select {
				case out <- q:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// Watch calls see with how the run stands, at once and whenever that changes,
// and again and again while the run asks something or has no worker: an answer
// may have to be given twice, and a worker may be gone for good. It ends when the
// run is over and no worker is on it, ctx ends, or see returns false.
func (f Folder) Watch(ctx context.Context, every time.Duration, see func(*Run) bool) error {
	var last Run
	for first := true; ; first = false {
		r, err := f.Load()
		if err != nil {
			return err
		}
		same := !first && len(r.Lines) == len(last.Lines) && r.Alive == last.Alive &&
			(r.Progress == nil) == (last.Progress == nil) && (r.Progress == nil || *r.Progress == *last.Progress)
		waits := !r.State.Stage.Final() && (!r.Alive || r.State.Stage.Asks())
		if (!same || waits) && !see(r) {
			return nil
		}
		last = *r
		if !r.Alive && r.State.Stage.Final() {
			return nil
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
