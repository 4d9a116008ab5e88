package index

import (
	"math"
	"slices"
)

// group is how many lines share a mark, from which their offsets are counted.
const group = 64

// Starts are the offsets at which the lines of a block begin, ascending. An offset takes two
// bytes as long as each 64 lines are within 64 KiB, else four.
type Starts struct {
	marks []uint32 // of each group
	near  []uint16 // after the mark
	wide  []uint32 // instead of near
}

// makeStarts makes room for n offsets.
func makeStarts(n int) Starts {
	return Starts{marks: make([]uint32, 0, n/group+1), near: make([]uint16, 0, n)}
}

// Len is how many lines there are.
func (s *Starts) Len() int { return len(s.near) + len(s.wide) }

// At is where line i begins.
func (s *Starts) At(i int) uint32 {
	if s.wide != nil {
		return s.wide[i]
	}
	return s.marks[i/group] + uint32(s.near[i])
}

// add appends an offset that is not before the last one. Copies made before keep theirs.
func (s *Starts) add(at uint32) {
	if s.wide != nil {
		s.wide = append(s.wide, at)
		return
	}
	if len(s.near)%group == 0 {
		s.marks = append(s.marks, at)
	}
	if d := at - s.marks[len(s.marks)-1]; d <= math.MaxUint16 {
		s.near = append(s.near, uint16(d))
		return
	}
	wide := make([]uint32, 0, max(cap(s.near), len(s.near)+1))
	for i := range s.near {
		wide = append(wide, s.At(i))
	}
	s.near, s.marks = nil, nil
	s.wide = append(wide, at)
}

// cut keeps the first n; what is added then goes to room of its own.
func (s *Starts) cut(n int) {
	if s.wide != nil {
		s.wide = s.wide[:n:n]
		return
	}
	marks := (n + group - 1) / group
	s.near = s.near[:n:n]
	s.marks = s.marks[:marks:marks]
}

// clear takes all off and keeps the room.
func (s *Starts) clear() { *s = Starts{marks: s.marks[:0], near: s.near[:0]} }

// trim gives back room that is not used.
func (s *Starts) trim() {
	s.marks = slices.Clone(s.marks)
	s.near = slices.Clone(s.near)
	s.wide = slices.Clone(s.wide)
}

// room is how many offsets fit before more room is needed.
func (s *Starts) room() int { return max(cap(s.near), cap(s.wide)) }
