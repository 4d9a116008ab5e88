package index

import (
	"math"
	"slices"

	"opsdeck/ops/logs/line"
)

// Times are the times of a block's lines, in ms since 1970, line.Unset where none is known. A
// time takes two bytes as long as each 16 lines are within a minute, four as long as all
// are within three weeks of the first, else eight.
type Times struct {
	base  int64    // what marks and near count from
	marks []uint32 // the first time of each group, in ms since base; 0: none yet
	tiny  []uint16 // ms since the mark, plus tinyRoom; 0 is line.Unset
	near  []uint32 // instead of tiny: ms since base plus 1; 0 is line.Unset
	wide  []int64  // instead of near
	based bool
	form  form
}

// form is how many bytes a time takes.
type form uint8

const (
	formTiny form = iota
	formNear
	formWide
)

const (
	timeGroup = 16      // lines that share a mark
	tinyRoom  = 8 << 10 // how far before its mark a time may lie, in ms, exclusive
	nearRoom  = 1 << 31 // how far before the first time others may lie
)

// makeTimes makes room for n times.
func makeTimes(n int) Times {
	return Times{marks: make([]uint32, 0, n/timeGroup+1), tiny: make([]uint16, 0, n)}
}

// Len is how many times there are.
func (t *Times) Len() int { return len(t.tiny) + len(t.near) + len(t.wide) }

// At is the time of line i.
func (t *Times) At(i int) int64 {
	switch t.form {
	case formTiny:
		if v := t.tiny[i]; v != 0 {
			return t.base + int64(t.marks[i/timeGroup]) + int64(v) - tinyRoom
		}
		return line.Unset
	case formNear:
		if v := t.near[i]; v != 0 {
			return t.base + int64(v)
		}
		return line.Unset
	}
	return t.wide[i]
}

// add appends a time. Copies made before keep theirs.
func (t *Times) add(ms int64) {
	if ms != line.Unset && !t.based {
		t.base, t.based = ms-nearRoom, true
	}
	if t.form == formTiny {
		if t.addTiny(ms) {
			return
		}
		t.widen(formNear)
	}
	if t.form == formNear {
		v := ms - t.base
		switch {
		case ms == line.Unset:
			t.near = append(t.near, 0)
			return
		case v > 0 && v <= math.MaxUint32:
			t.near = append(t.near, uint32(v))
			return
		}
		t.widen(formWide)
	}
	t.wide = append(t.wide, ms)
}

// addTiny appends a time in two bytes; false where it does not fit.
func (t *Times) addTiny(ms int64) bool {
	v := ms - t.base
	if ms != line.Unset && (v <= 0 || v > math.MaxUint32) {
		return false
	}
	if len(t.tiny)%timeGroup == 0 {
		t.marks = append(t.marks, 0)
	}
	if ms == line.Unset {
		t.tiny = append(t.tiny, 0)
		return true
	}
	mark := &t.marks[len(t.marks)-1]
	if *mark == 0 {
		*mark = uint32(v)
	}
	d := v - int64(*mark) + tinyRoom
	if d <= 0 || d > math.MaxUint16 {
		return false
	}
	t.tiny = append(t.tiny, uint16(d))
	return true
}

// widen gives the times more bytes each.
func (t *Times) widen(to form) {
	n := len(t.tiny) + len(t.near)
	room := max(cap(t.tiny), cap(t.near), n+1)
	was := *t
	*t = Times{base: t.base, based: t.based, form: to}
	if to == formNear {
		t.near = make([]uint32, 0, room)
	} else {
		t.wide = make([]int64, 0, room)
	}
	for i := range n {
		t.add(was.At(i))
	}
}

// cut keeps the first n; what is added then goes to room of its own.
func (t *Times) cut(n int) {
	switch t.form {
	case formTiny:
		t.tiny = t.tiny[:n:n]
		t.marks = slices.Clone(t.marks[:(n+timeGroup-1)/timeGroup])
	case formNear:
		t.near = t.near[:n:n]
	default:
		t.wide = t.wide[:n:n]
	}
}

// clear takes all off and keeps the room.
func (t *Times) clear() { *t = Times{marks: t.marks[:0], tiny: t.tiny[:0]} }

// trim gives back room that is not used.
func (t *Times) trim() {
	t.marks = slices.Clone(t.marks)
	t.tiny = slices.Clone(t.tiny)
	t.near = slices.Clone(t.near)
	t.wide = slices.Clone(t.wide)
}
