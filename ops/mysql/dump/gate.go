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

// gate is what every reader passes now and then: it counts for the progress
// and holds readers back when they are too fast or the server is busy.
type gate struct {
	mu       sync.Mutex
	rate     int64 // bytes per second; 0 is no bound
	rows     int64
	bytes    int64
	object   string
	since    time.Time
	reading  time.Time // since the first row; what went before, waits for locks too, is no leave to hurry
	total    int64
	report   func(ops.Progress)
	reported time.Time
	paused   chan struct{} // closed and nil when the server has room
}

// pass counts bytes and rows just read of a table, then waits for as long as
// the throttle wants.
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

// tell reports progress; g.mu is held.
func (g *gate) tell(phase string, always bool) {
	now := time.Now()
	if g.report == nil || !always && now.Sub(g.reported) < reportEvery {
		return
	}
	g.reported = now
	g.report(
		ops.Progress{
			Phase:    phase,
			Object:   g.object,
			Done:     g.rows,
			Total:    max(g.total, g.rows),
			Unit:     "rows",
			Rows:     g.rows,
			Bytes:    g.bytes,
			Elapsed:  now.Sub(g.since),
			Estimate: true,
		},
	)
}

// step reports the beginning of a phase.
func (g *gate) step(phase, object string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.object = object
	g.tell(phase, true)
}

// lookEvery is how long the watch lets pass between two looks at the server.
const lookEvery = 500 * time.Millisecond

// watchThreads holds readers back while more than limit threads run on the
// server, the readers and this one apart, until over is closed. The end never cuts
// a look short: the driver would close the connection, which the dump still needs.
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

// hold has the readers wait, or lets them go on.
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
