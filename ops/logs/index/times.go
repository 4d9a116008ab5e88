package index

import (
	"math"
	"slices"

	"opsdeck/ops/logs/line"
)

// Times are the times of a block's lines, in ms since 1970, line.Unset where none is known. A
// time takes four bytes as long as all are within three weeks of the first, else eight.
type Times struct {
	base  int64    // what near counts from
	near  []uint32 // ms since base plus 1; 0 is line.Unset
	wide  []int64  // instead of near
	based bool
}

// nearRoom is how far before the first time others may lie.
const nearRoom = 1 << 31

// makeTimes makes room for n times.
func makeTimes(n int) Times { return Times{near: make([]uint32, 0, n)} }

// Len is how many times there are.
func (t *Times) Len() int { return len(t.near) + len(t.wide) }

// At is the time of line i.
func (t *Times) At(i int) int64 {
	if t.wide != nil {
		return t.wide[i]
	}
	if v := t.near[i]; v != 0 {
		return t.base + int64(v)
	}
	return line.Unset
}

// add appends a time. Copies made before keep theirs.
func (t *Times) add(ms int64) {
	switch {
	case t.wide != nil:
		t.wide = append(t.wide, ms)
		return
	case ms == line.Unset:
		t.near = append(t.near, 0)
		return
	case !t.based:
		t.base, t.based = ms-nearRoom, true
	}
	if v := ms - t.base; v > 0 && v <= math.MaxUint32 {
		t.near = append(t.near, uint32(v))
		return
	}
	wide := make([]int64, 0, max(cap(t.near), len(t.near)+1))
	for i := range t.near {
		wide = append(wide, t.At(i))
	}
	t.near = nil
	t.wide = append(wide, ms)
}

// cut keeps the first n; what is added then goes to room of its own.
func (t *Times) cut(n int) {
	if t.wide != nil {
		t.wide = t.wide[:n:n]
	} else {
		t.near = t.near[:n:n]
	}
}

// clear takes all off and keeps the room.
func (t *Times) clear() {
	*t = Times{near: t.near[:0]}
}

// trim gives back room that is not used.
func (t *Times) trim() {
	t.near, t.wide = slices.Clone(t.near), slices.Clone(t.wide)
}
