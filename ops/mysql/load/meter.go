package load

import (
	"sync"
	"time"

	"opsdeck/ops"
)

// reportEvery is the shortest time between two progress reports; tests set it to report
// every step.
var reportEvery = 100 * time.Millisecond

// meter counts progress and reports it at intervals.
type meter struct {
	mu    sync.Mutex
	tell  func(ops.Progress)
	begin time.Time
	last  time.Time
	p     ops.Progress
}

func newMeter(tell func(ops.Progress), phase, unit string, total int64) *meter {
	now := time.Now()
	return &meter{tell: tell, begin: now, p: ops.Progress{Phase: phase, Unit: unit, Total: total}}
}

// add counts work done; object "" keeps the current object.
func (m *meter) add(object string, done, rows int64) {
	if m == nil || m.tell == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Done += done
	m.p.Rows += rows
	if object != "" {
		m.p.Object = object
	}
	if now := time.Now(); now.Sub(m.last) >= reportEvery {
		m.say(now)
	}
}

// phase names the next phase and reports it at once.
func (m *meter) phase(name, object string) {
	if m == nil || m.tell == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p.Phase, m.p.Object = name, object
	m.say(time.Now())
}

func (m *meter) say(now time.Time) {
	m.last = now
	p := m.p
	p.Elapsed = now.Sub(m.begin)
	m.tell(p)
}

// told is what a worker counted of work that may still fail.
type told struct {
	m           *meter
	object      string
	bytes, rows int64
}

func (t *told) add(bytes, rows int64) {
	t.bytes += bytes
	t.rows += rows
	t.m.add(t.object, bytes, rows)
}

// back takes what was counted away: it will be done again.
func (t *told) back() {
	t.m.add("", -t.bytes, -t.rows)
	t.bytes, t.rows = 0, 0
}
