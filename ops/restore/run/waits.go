package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"opsdeck/internal/lang"
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

// yielders are the effects that do not wait for free space on the server's disk: they tidy
// up, can be repeated at any time, and a person who aborts waits for them.
var yielders = map[restore.Effect]bool{
	restore.EffectClean: true, restore.EffectSettle: true, restore.EffectDropOld: true,
}

// mayBegin refuses an effect that must not run now: one that replaces the live tables under a
// running service, or that would write to a server which accepts no writes.
func (c *Crew) mayBegin(ctx context.Context, e restore.Effect, p *restore.Plan) error {
	if err := c.idle(ctx, e, p); err != nil {
		return err
	}
	if c.Database.Waits == nil || !lockers[e] {
		return nil
	}
	if sure, err := c.Database.Waits.NoRoom(ctx, p); sure {
		return err
	}
	return nil
}

// commands reports that an effect runs commands of the service.
func commands(e restore.Effect, p *restore.Plan) bool {
	return e == restore.EffectStop || e == restore.EffectStart || replaces(e, p)
}

// awaits is the service's command that an effect waits for, and how long it has run; "" while
// none has run for long.
func (c *Crew) awaits() (command string, text lang.Msg) {
	if c.Awaits == nil {
		return "", lang.Msg{}
	}
	command, since := c.Awaits()
	took := time.Since(since)
	if command == "" || took < waitsEvery {
		return "", lang.Msg{}
	}
	return command + since.String(), lang.M("waiting since %s for this command to end: %s",
		since.Local().Format("15:04:05"), command)
}

// tellWaits returns a report that also tells what the effect waits for: a command of the
// service, who holds a lock, or free space on the server's disk. stop ends an effect that does
// not wait for the latter. end stops the checks, and waits for the last one.
func (c *Crew) tellWaits(
	ctx context.Context, stop context.CancelCauseFunc, e restore.Effect, p *restore.Plan, report Report,
) (Report, func()) {
	locks := c.Database.Waits != nil && lockers[e]
	if !locks && (c.Awaits == nil || !commands(e, p)) {
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
			if command, text := c.awaits(); command != "" || !locks {
				w.waits(command, c.Lang.Msg(text))
				continue
			}
			if sure, full := c.Database.Waits.NoRoom(ctx, p); full != nil && ctx.Err() == nil {
				if sure && yielders[e] {
					stop(full)
					return
				}
				w.waits(noRoom, c.Lang.Msg(sentence(full)))
				continue
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

// noRoom is named in place of the holder of a lock when the server waits for free space.
const noRoom = "no room"

// sentence is an error with what to do, for a line of progress.
func sentence(err error) lang.Msg {
	var e *ops.Error
	if !errors.As(err, &e) {
		return lang.Raw(err.Error())
	}
	if e.Hint.Empty() {
		return e.What
	}
	return lang.M("%s; %s", e.What, e.Hint)
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
