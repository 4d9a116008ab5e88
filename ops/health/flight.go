package health

import (
	"context"
	"sync"
	"time"
)

// Flight makes one look of many askers: who asks while a look is under way gets
// its answer, and an answer stays good for TTL. While it is asked, it looks again
// in the background before that, so that nobody waits for a thing that answers.
// The zero value keeps nothing.
type Flight[T any] struct {
	TTL     time.Duration
	Timeout time.Duration // of a look; 0 is DefaultTimeout
	// Failing tells an answer that is told on while the next look is under way: who
	// asks about a thing that hangs is not kept waiting each time. nil is none. Any
	// other answer is never told on after its TTL.
	Failing func(T) bool

	mu   sync.Mutex
	last *flight[T] // that ended
	next *flight[T] // under way
}

type flight[T any] struct {
	done  chan struct{}
	began time.Time
	value T
}

// Do returns the answer of look, run by at most one goroutine at a time, and when
// that look began. It gives up with ctx, but the look goes on for the others who
// wait.
func (f *Flight[T]) Do(ctx context.Context, look func(context.Context) T) (T, time.Time, error) {
	f.mu.Lock()
	last := f.last
	age := time.Duration(0)
	if last != nil {
		age = time.Since(last.began)
	}
	if f.next == nil && (last == nil || age >= f.TTL/2) {
		f.next = &flight[T]{done: make(chan struct{}), began: time.Now()}
		go f.run(context.WithoutCancel(ctx), f.next, look)
	}
	next := f.next
	f.mu.Unlock()
	if last != nil && (age < f.TTL || age < f.TTL+2*f.timeout() && f.Failing != nil && f.Failing(last.value)) {
		return last.value, last.began, nil
	}
	select {
	case <-next.done:
		return next.value, next.began, nil
	case <-ctx.Done():
		var zero T
		return zero, time.Time{}, ctx.Err()
	}
}

func (f *Flight[T]) run(ctx context.Context, c *flight[T], look func(context.Context) T) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout())
	defer cancel()
	c.value = look(ctx)
	f.mu.Lock()
	f.last, f.next = c, nil
	f.mu.Unlock()
	close(c.done)
}

func (f *Flight[T]) timeout() time.Duration {
	if f.Timeout <= 0 {
		return DefaultTimeout
	}
	return f.Timeout
}
