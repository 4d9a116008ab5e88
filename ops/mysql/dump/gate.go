package dump

import (
	"context"
	"database/sql"
	"strconv"
	"sync"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// gate is called by every reader regularly: it counts progress, and pauses readers that
// are too fast or while the server is busy.
type gate struct {
	mu       sync.Mutex
	rate     int64 // bytes per second; 0 is no limit
	rows     int64
	bytes    int64
	object   string
	since    time.Time
	reading  time.Time // since the first row; earlier time, such as waits for locks, does not raise the rate
	total    int64
	report   func(ops.Progress)
	reported time.Time
	paused   chan struct{} // closed, and set to nil, when the server has capacity
}

// pass counts the bytes and rows just read from a table, then waits as the throttle
// requires.
func (g *gate) pass(ctx context.Context, t *table, bytes, rows int64) error {
	g.mu.Lock()
	g.bytes += bytes
	g.object = t.Name
	g.rows += rows
	g.tell("rows", false)
	var behind time.Duration
	if g.reading.IsZero() {
		g.reading = time.Now()
	}
	if g.rate > 0 {
		behind = time.Duration(float64(g.bytes)/float64(g.rate)*float64(time.Second)) - time.Since(g.reading)
	}
	paused := g.paused
	g.mu.Unlock()
	if behind > 0 {
		if err := wait(ctx, behind); err != nil {
			return err
		}
	}
	if paused == nil {
		return nil
	}
	select {
	case <-paused:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tell reports progress; the caller holds g.mu.
func (g *gate) tell(phase string, always bool) {
	now := time.Now()
	if g.report == nil || !always && now.Sub(g.reported) < reportEvery {
		return
	}
	g.reported = now
	p := ops.Progress{
		Phase:    phase,
		Object:   g.object,
		Done:     g.rows,
		Total:    max(g.total, g.rows),
		Unit:     "rows",
		Rows:     g.rows,
		Bytes:    g.bytes,
		Elapsed:  now.Sub(g.since),
		Estimate: true,
	}
	if g.rows == 0 && g.bytes > 0 { // another program reads the rows
		p.Done = g.bytes
		p.Total = 0
		p.Unit = "bytes"
	}
	g.report(p)
}

// step reports the start of a phase.
func (g *gate) step(phase, object string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.object = object
	g.tell(phase, true)
}

// lookEvery is the interval between two checks of the server.
const lookEvery = 500 * time.Millisecond

// watchThreads pauses readers while more than limit threads run on the server, not
// counting the readers and this connection, until over is closed. The end never interrupts
// a check: the driver would close the connection, which the dump still needs.
func (g *gate) watchThreads(ctx context.Context, over <-chan struct{}, c *sql.Conn, limit, own int) {
	defer g.hold(false)
	for {
		if rows, err := schema.All(ctx, c, "SHOW GLOBAL STATUS LIKE 'Threads_running'"); err == nil && len(rows) > 0 {
			n, _ := strconv.Atoi(rows[0][1])
			g.hold(n-own-1 > limit)
		}
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// hold pauses or resumes the readers.
func (g *gate) hold(busy bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case busy && g.paused == nil:
		g.paused = make(chan struct{})
	case !busy && g.paused != nil:
		close(g.paused)
		g.paused = nil
	}
}
