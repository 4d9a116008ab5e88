package health

import (
	"context"
	"sync"
	"time"
)

// Flight makes one look of many askers: who asks while a look is under way gets
// its answer, and an answer stays good for TTL. The zero value keeps nothing.
type Flight[T any] struct {
	TTL     time.Duration
	Timeout time.Duration // of a look; 0 is DefaultTimeout

	mu      sync.Mutex
	current *flight[T]
}

type flight[T any] struct {
	done  chan struct{}
	ended time.Time
	value T
}

// Do returns the answer of look, run by at most one goroutine at a time. It
// gives up with ctx, but the look goes on for the others who wait.
func (f *Flight[T]) Do(ctx context.Context, look func(context.Context) T) (T, error) {
	f.mu.Lock()
	c := f.current
	if c == nil || c.over() && time.Since(c.ended) >= f.TTL {
		c = &flight[T]{done: make(chan struct{})}
		f.current = c
		go f.run(context.WithoutCancel(ctx), c, look)
	}
	f.mu.Unlock()
	select {
	case <-c.done:
		return c.value, nil
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

func (f *Flight[T]) run(ctx context.Context, c *flight[T], look func(context.Context) T) {
	timeout := f.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c.value = look(ctx)
	c.ended = time.Now()
	close(c.done)
}

func (c *flight[T]) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
