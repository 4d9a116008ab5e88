package index

import (
	"math"
	"slices"
)

// IDs are the shapes of a block's lines, by their numbers in the table. A number takes two
// bytes as long as all fit, else four: of most logs there are a few hundred shapes.
type IDs struct {
	near []uint16
	wide []uint32 // instead of near
}

// makeIDs makes room for n numbers.
func makeIDs(n int) IDs { return IDs{near: make([]uint16, 0, n)} }

// Len is how many lines there are.
func (s *IDs) Len() int { return len(s.near) + len(s.wide) }

// At is the shape of line i.
func (s *IDs) At(i int) uint32 {
	if s.wide != nil {
		return s.wide[i]
	}
	return uint32(s.near[i])
}

// add appends a number. Copies made before keep theirs.
func (s *IDs) add(id uint32) {
	switch {
	case s.wide != nil:
		s.wide = append(s.wide, id)
		return
	case id <= math.MaxUint16:
		s.near = append(s.near, uint16(id))
		return
	}
	wide := make([]uint32, 0, max(cap(s.near), len(s.near)+1))
	for _, v := range s.near {
		wide = append(wide, uint32(v))
	}
	s.near = nil
	s.wide = append(wide, id)
}

// cut keeps the first n; what is added then goes to room of its own.
func (s *IDs) cut(n int) {
	if s.wide != nil {
		s.wide = s.wide[:n:n]
	} else {
		s.near = s.near[:n:n]
	}
}

// clear takes all off and keeps the room.
func (s *IDs) clear() { *s = IDs{near: s.near[:0]} }

// trim gives back room that is not used.
func (s *IDs) trim() { s.near, s.wide = slices.Clone(s.near), slices.Clone(s.wide) }
