package run

import (
	"context"
	"time"
)

// inboxEvery is the interval at which the worker checks for answers.
const inboxEvery = 100 * time.Millisecond

// FolderInbox reads requests from a run's folder.
type FolderInbox struct{ Folder Folder }

// Events delivers the requests in the folder.
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

// Watch calls see with the run's state, at once and whenever it changes, and repeatedly
// while the run asks something or has no worker: an answer may have to be given twice, and
// the worker may not return. It ends when the run is over and has no worker, when ctx
// ends, or when see returns false.
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
