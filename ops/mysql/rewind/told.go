package rewind

import (
	"time"

	"opsdeck/ops"
)

// tellEvery is how often progress is told at most.
const tellEvery = 100 * time.Millisecond

// told tells how far one part of the work is.
type told struct {
	tell  func(ops.Progress)
	phase string
	began time.Time
	last  time.Time
	done  int64
	total int64
	since int
}

// begin begins a part of so many rows.
func (p *Plan) begin(phase string, total int64) *told {
	return &told{tell: p.tell, phase: phase, began: time.Now(), total: total}
}

// add counts rows.
func (t *told) add(n int) {
	t.done += int64(n)
	if t.since += n; t.tell == nil || t.since < 500 {
		return
	}
	t.since = 0
	now := time.Now()
	if now.Sub(t.last) < tellEvery {
		return
	}
	t.last = now
	t.tell(ops.Progress{Phase: t.phase, Done: t.done, Total: t.total, Unit: "rows", Rows: t.done,
		Elapsed: now.Sub(t.began)})
}
