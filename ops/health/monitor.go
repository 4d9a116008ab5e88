package health

import (
	"context"
	"fmt"
	"sync"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Options of a Monitor. Zero values are the machine's clock, DefaultRule and a
// second of Retry.
type Options struct {
	Clock clock.Clock
	Rule  Rule
	// Retry is how soon a check is looked at again while a change of state is
	// not yet confirmed, so that three failures take seconds.
	Retry time.Duration
}

// Monitor looks at checks side by side, each at its own interval, never twice
// at a time. Its methods may be called from any goroutine.
type Monitor struct {
	opt  Options
	stop context.CancelFunc
	work []*worker
	wg   sync.WaitGroup

	mu        sync.Mutex
	standings []Standing
	watchers  map[chan struct{}]bool
}

// Watch starts looking. Close ends it.
func Watch(ctx context.Context, checks []Check, opt Options) *Monitor {
	if opt.Clock == nil {
		opt.Clock = clock.Real{}
	}
	if opt.Rule == (Rule{}) {
		opt.Rule = DefaultRule
	}
	if opt.Retry <= 0 {
		opt.Retry = time.Second
	}
	ctx, stop := context.WithCancel(ctx)
	m := &Monitor{opt: opt, stop: stop, watchers: map[chan struct{}]bool{}, standings: make([]Standing, len(checks))}
	for i, c := range checks {
		m.standings[i].Check = c
		w := &worker{check: c, kick: make(chan struct{}, 1), clock: opt.Clock}
		m.work = append(m.work, w)
		m.wg.Go(func() { m.loop(ctx, i, w) })
	}
	return m
}

// Rule is the rule that the standings follow.
func (m *Monitor) Rule() Rule { return m.opt.Rule }

// Close ends all looking and waits for the looks under way: at most two seconds,
// for a look that hangs may never end.
func (m *Monitor) Close() {
	m.stop()
	m.wg.Wait()
}

// Now has every check looked at without waiting for its interval. A check that
// is being looked at is not looked at twice.
func (m *Monitor) Now() {
	for _, w := range m.work {
		w.again()
	}
}

// Report is how everything stands now.
func (m *Monitor) Report() Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Report{At: m.opt.Clock.Now(), Standings: append([]Standing(nil), m.standings...)}
}

// Signal returns a channel of capacity 1 that holds a token whenever something
// was looked at since the token was last taken, and a function that ends it.
func (m *Monitor) Signal() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers[c] = true
	return c, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, c)
	}
}

func (m *Monitor) loop(ctx context.Context, i int, w *worker) {
	for {
		r := w.look(ctx)
		if over(ctx) { // a look that was cut short says nothing
			return
		}
		wait := w.check.Interval
		if wait <= 0 {
			wait = DefaultInterval
		}
		if m.publish(i, r).Streak > 0 {
			wait = min(wait, m.opt.Retry)
		} else if r.State == ops.StateUnknown { // what follows from something else that comes back
			wait = min(wait, DefaultInterval)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-w.kick:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (m *Monitor) publish(i int, r Result) Standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.standings[i] = m.standings[i].Next(r, m.opt.Rule)
	for c := range m.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return m.standings[i]
}

// worker looks at one check.
type worker struct {
	check  Check
	clock  clock.Clock
	kick   chan struct{}
	hung   chan Result // of a look that outlived its time
	hungAt time.Time
}

func (w *worker) again() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// grace is how long a probe may take to notice that its time is up.
const grace = 2 * time.Second

// look runs the probe once, within its time even when the probe does not keep
// to it (a stat on a dead network disk cannot be interrupted). Such a probe is
// waited for before the next one starts.
func (w *worker) look(ctx context.Context) Result {
	start := w.clock.Now()
	timeout := w.check.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	began := time.Now()
	if w.hung != nil {
		select {
		case <-w.hung:
			w.hung = nil
		default:
			return w.hangs(start, lang.M("no response since %s", w.hungAt.Format(time.TimeOnly)))
		}
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan Result, 1)
	go func() { done <- safely(ctx, w.check.Probe) }()
	late := time.NewTimer(timeout + grace)
	defer late.Stop()
	select {
	case <-whole.Done():
		own := ownTime(began, timeout)
		select { // a probe that keeps to its context is about to end
		case r := <-done:
			if own {
				return timed(r, start, began)
			}
		case <-time.After(grace):
		}
		return w.cutShort(start)
	case r := <-done:
		if over(whole) && !ownTime(began, timeout) {
			return w.cutShort(start)
		}
		return timed(r, start, began)
	case <-late.C:
		w.hung, w.hungAt = done, start
		return w.hangs(start, lang.M("no response within %s", human.Duration(timeout)))
	}
}

// ownTime tells that a look has had its own time, or nearly: what it saw counts, though the time
// for all looks ended with it.
func ownTime(began time.Time, timeout time.Duration) bool {
	return time.Since(began) >= timeout-timeout/10
}

// timed is a result with when its look began, and how long that took.
func timed(r Result, start, began time.Time) Result {
	r.At = start
	if r.Latency == 0 {
		r.Latency = time.Since(began)
	}
	return r
}

// cutShort is the result of a look that was ended from outside, by --timeout or a
// signal: it says nothing about what was looked at.
func (w *worker) cutShort(at time.Time) Result {
	r := CannotTell(lang.M("%s was not checked", w.check.Name), lang.M("the time limit for all checks was over"))
	r.Next = lang.M("Give it more time with a longer --timeout.")
	r.At = at
	return r
}

// over tells whether the time is up. A network read that ends by its deadline may
// come back a moment before the context's own timer.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < timerSlack
}

// timerSlack is the most by which two timers of one deadline differ here.
const timerSlack = 20 * time.Millisecond

func (w *worker) hangs(at time.Time, why lang.Msg) Result {
	r := Broken(lang.M("%s hangs", w.check.Name), why)
	r.At, r.Latency = at, w.check.Timeout
	return r
}

// safely turns a probe's panic into a result: one broken check must not end the
// console of an operator in the middle of an incident.
func safely(ctx context.Context, probe Probe) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			r = CannotTell(lang.M("the check itself failed"), lang.Raw(fmt.Sprint(p)))
		}
	}()
	return probe(ctx)
}

// Once looks at every check one time, side by side, and judges at once.
func Once(ctx context.Context, checks []Check, c clock.Clock) Report {
	if c == nil {
		c = clock.Real{}
	}
	out := Report{At: c.Now(), Standings: make([]Standing, len(checks))}
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() {
			w := &worker{check: check, clock: c}
			out.Standings[i] = Standing{Check: check}.Next(w.look(ctx), Rule{})
		})
	}
	wg.Wait()
	return out
}

// Only keeps the checks that one of the names names: by check, kind, service, or
// service/check. A name that names nothing is an error with the names there are.
func Only(checks []Check, names []string) ([]Check, error) {
	if len(names) == 0 {
		return checks, nil
	}
	used := make([]bool, len(names))
	var out []Check
	for _, c := range checks {
		keep := false
		for i, n := range names {
			if n == c.Name || n == string(c.Kind) || n == c.Service || n == c.ID() {
				keep, used[i] = true, true
			}
		}
		if keep {
			out = append(out, c)
		}
	}
	for i, u := range used {
		if !u {
			return nil, ops.E(ops.Usage, lang.M("there is no check %q", names[i])).
				WithHint(lang.M("there are: %s", namesOf(checks)))
		}
	}
	return out, nil
}

func namesOf(checks []Check) string {
	seen, out := map[string]bool{}, ""
	for _, c := range checks {
		if seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		if out != "" {
			out += ", "
		}
		out += c.Name
	}
	return out
}
