package store

import (
	"slices"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// maxHours is how far back an hour is looked for in which all was well.
const maxHours = 24 * 14

// hours counts what was wrong in the hours before a moment, the latest first.
type hours struct {
	pivot                    int64
	events, errors, critical []int64
}

// count looks at a block's rows.
func (h *hours) count(b *logindex.Block, rows logindex.Bitmap, list []*line.Shape) {
	for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
		ms := b.Times.At(i)
		if ms == line.Unset || ms > h.pivot || int(b.Shapes.At(i)) >= len(list) {
			continue
		}
		at := (h.pivot - ms) / stretch.Milliseconds()
		if at >= maxHours {
			continue
		}
		for int64(len(h.events)) <= at {
			h.events = append(h.events, 0)
			h.errors = append(h.errors, 0)
			h.critical = append(h.critical, 0)
		}
		h.events[at]++
		s := list[b.Shapes.At(i)]
		if s.Level >= logs.LevelError {
			h.errors[at]++
		}
		if b.Sum.Critical > 0 && b.CriticalAt(i, list, nil) {
			h.critical[at]++
		}
	}
}

// healthy tells whether an hour had events, none critical, and no more errors
// than usual.
func (h *hours) healthy(at int, usual int64) bool {
	return h.events[at] > 0 && h.critical[at] == 0 && h.errors[at] <= usual
}

// since is when the last healthy hour ended: what came after it is compared with
// what came before. When the last hour is healthy itself, or none is, it is the
// last hour that is compared; ok tells that there is a healthy one.
func (h *hours) since() (ms int64, ok bool) {
	var errors []int64
	for at, n := range h.events {
		if n > 0 {
			errors = append(errors, h.errors[at])
		}
	}
	last := h.pivot - stretch.Milliseconds()
	if len(errors) == 0 {
		return last, false
	}
	slices.Sort(errors)
	usual := errors[(len(errors)-1)/2]
	if h.healthy(0, usual) {
		return last, true
	}
	for at := 1; at < len(h.events); at++ {
		if h.healthy(at, usual) {
			return h.pivot - int64(at)*stretch.Milliseconds(), true
		}
	}
	return last, false
}

// Comparison is what patterns were compared: the time since with the time before.
type Comparison struct {
	Since   time.Time
	Healthy bool // Since is the end of the last healthy hour
}
