package logfile

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Follow checks all files repeatedly, soon after a change in their folders and
// periodically, until ctx ends; likewise new files that match globs, which may be nil.
// Between two rounds it calls idle, which may be nil. It returns at once if there is
// nothing to follow.
func Follow(ctx context.Context, tails []*Tail, globs *Globs, idle func()) {
	if len(tails) == 0 && globs.None() {
		return
	}
	w := watch(tails)
	defer w.close()
	defer func() {
		for _, t := range tails {
			if globs.finishes() {
				t.Close()
			}
		}
	}()
	every := pollEvery
	if len(tails) > 200 {
		every *= 8
	}
	poll := time.NewTicker(every)
	defer poll.Stop()
	pace := shortest
	steady := time.Duration(0)
	if globs != nil {
		pace = max(pace, globs.Pace)
		steady = globs.Steady
	}
	for {
		looked := time.Now()
		fresh := globs.fresh(tails)
		w.add(fresh)
		tails = append(tails, fresh...)
		for _, t := range tails {
			t.beside = tails
			t.Look()
		}
		if idle != nil {
			idle()
		}
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
			rest := max(pace, steady-time.Since(looked))
			if rest > shortest {
				w.mute() // each line would wake the process, for a look that is not due
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(rest):
			}
			w.listen()
			poll.Reset(every)
		case <-poll.C:
		}
	}
}

// watcher signals changes in the files' folders; if notifications are not available, it
// never does.
type watcher struct {
	wake chan struct{}
	w    *fsnotify.Watcher // nil if not available
	dirs map[string]bool
	deaf bool // muted
}

func watch(tails []*Tail) *watcher {
	out := &watcher{wake: make(chan struct{}, 1), dirs: map[string]bool{}}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return out
	}
	out.w = w
	out.add(tails)
	go relay(w, out.wake)
	return out
}

func (w *watcher) add(tails []*Tail) {
	for _, t := range tails {
		if dir := filepath.Dir(t.path); w.w != nil && !w.dirs[dir] && len(w.dirs) < 100 {
			w.dirs[dir] = true
			w.w.Add(dir) // a missing folder or a network folder is polled
		}
	}
}

// mute ends the signals until listen.
func (w *watcher) mute() {
	if w.w == nil || w.deaf {
		return
	}
	w.deaf = true
	for _, dir := range w.w.WatchList() {
		w.w.Remove(dir)
	}
}

// listen takes up the signals again; a change since mute signals nothing.
func (w *watcher) listen() {
	if !w.deaf {
		return
	}
	w.deaf = false
	select { // what mute itself has signalled
	case <-w.wake:
	default:
	}
	for dir := range w.dirs {
		w.w.Add(dir)
	}
}

func (w *watcher) close() {
	if w.w != nil {
		w.w.Close()
	}
}

func relay(w *fsnotify.Watcher, out chan<- struct{}) {
	for {
		select {
		case _, ok := <-w.Events:
			if !ok {
				return
			}
			select {
			case out <- struct{}{}:
			default:
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
		}
	}
}
