package run

import (
	"context"
	"sync"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// waitsEvery is how often a running effect is checked for a lock that it waits for.
const waitsEvery = 2 * time.Second

// lockers are the effects that may wait for locks of other sessions.
var lockers = map[restore.Effect]bool{
	restore.EffectLoad: true, restore.EffectSwap: true, restore.EffectSwapBack: true, restore.EffectLoadBack: true,
	restore.EffectClean: true, restore.EffectSettle: true, restore.EffectDropOld: true,
}

// tellWaits returns a report that also tells who holds the lock that the effect waits for.
// end stops the checks, and waits for the last one.
func (c *Crew) tellWaits(ctx context.Context, e restore.Effect, p *restore.Plan, report Report) (Report, func()) {
	if c.Database.Waits == nil || !lockers[e] {
		return report, func() {}
	}
	w := &waitTeller{report: report, begin: time.Now()}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(waitsEvery):
			}
			who, text, err := c.Database.Waits.Waiting(ctx, p)
			if err == nil && ctx.Err() == nil {
				w.waits(who, c.Lang.Msg(text))
			}
		}
	})
	return w.progress, func() {
		cancel()
		done.Wait()
	}
}

// waitTeller adds to each progress what the work waits for.
type waitTeller struct {
	report Report
	begin  time.Time
	mu     sync.Mutex
	last   ops.Progress
	who    string
}

func (w *waitTeller) progress(p ops.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.Waits = w.last.Waits
	w.last = p
	w.report(p)
}

func (w *waitTeller) waits(who, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if who == "" && w.who == "" {
		return
	}
	if who != w.who {
		w.who = who
		w.last.Waits = text
	}
	w.last.Elapsed = time.Since(w.begin)
	w.report(w.last)
}
