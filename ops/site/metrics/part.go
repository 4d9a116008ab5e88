package metrics

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsdeck/internal/clock"
)

// staleLooks is how many intervals what a look found is told without a new one.
const staleLooks = 5

// partState is a part with what its newest look found.
type partState struct {
	Part

	mu     sync.Mutex
	values []Value
	ended  time.Time // the newest look that came to an end
	took   time.Duration
	failed bool
}

// loop looks again and again. A look that does not end with its context is left
// behind; the next one starts when it has ended.
func (p *partState) loop(ctx context.Context, c clock.Clock) {
	for {
		began := time.Now()
		bounded, cancel := context.WithTimeout(ctx, p.Timeout)
		done := make(chan found, 1)
		go func() {
			values, err := safely(bounded, p.Look)
			done <- found{values, err}
		}()
		select {
		case f := <-done:
			p.keep(f, c.Now(), time.Since(began))
		case <-ctx.Done():
		}
		cancel()
		pause := time.NewTimer(p.Interval)
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// found is what one look gave.
type found struct {
	values []Value
	err    error
}

// safely makes an error of a look's panic.
func safely(ctx context.Context, look func(context.Context) ([]Value, error)) (values []Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			values, err = nil, fmt.Errorf("the look failed: %v", r)
		}
	}()
	return look(ctx)
}

func (p *partState) keep(f found, at time.Time, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values = nil
	p.ended = at
	p.took = took
	p.failed = f.err != nil
	if f.err == nil {
		p.values = f.values
	}
}

// collect tells what the newest look found. After a failed look that is nothing;
// so it is when the looks have hung for some time.
func (p *partState) collect(now time.Time, out chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended.IsZero() {
		out <- lookOK.of(0, p.Service, p.Name)
		return
	}
	age := max(0, now.Sub(p.ended))
	stale := age > staleLooks*p.Interval+p.Timeout
	out <- lookOK.of(truth(!p.failed && !stale), p.Service, p.Name)
	out <- lookAge.of(age.Seconds(), p.Service, p.Name)
	out <- lookDuration.of(p.took.Seconds(), p.Service, p.Name)
	if stale {
		return
	}
	for _, v := range p.values {
		out <- v(now)
	}
}

var (
	buildInfo = gauge("opsdeck_build_info", "The version of opsdeck; the value is always 1.", "version")
	lookOK    = gauge("opsdeck_look_success", "Whether the newest background look succeeded (1) or failed, hangs, "+
		"or has not ended yet (0).", "service", "look")
	lookAge = gauge("opsdeck_look_age_seconds", "Time since the newest background look ended.", "service", "look")
	// Of the look that ended, not of one that hangs.
	lookDuration = gauge("opsdeck_look_duration_seconds", "How long the newest background look took.", "service",
		"look")
)
