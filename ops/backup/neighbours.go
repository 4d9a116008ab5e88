package backup

import (
	"slices"

	"opsdeck/internal/human"
)

// How many neighbours a size is compared with, and when it is far from theirs.
const (
	neighbours    = 5
	fewNeighbours = 3
	farBelow      = 0.5
	farAbove      = 4.0
)

func bytesOf(n int64) string { return human.Bytes(n) }

// judgeNeighbours compares sizes with those of the neighbouring full backups of the same
// database. A file without a manifest whose size is far off is bad. Where a manifest
// proves the size, far fewer rows than before are a remark.
func (inv *Inventory) judgeNeighbours() {
	byDB := map[lineKey][]*Set{}
	seen := map[any]bool{}
	var twins []*Set
	for _, s := range inv.Sets {
		if !s.full() || s.Tier == Emergency || s.Size == 0 || hasCode(s, Empty) {
			continue
		}
		if seen[s.identity()] {
			twins = append(twins, s)
			continue
		}
		seen[s.identity()] = true
		k := lineKey{s.Database, s.Parsed.Ext, s.Other}
		byDB[k] = append(byDB[k], s)
	}
	odd := map[any]Problem{}
	for _, line := range byDB {
		shrinks := inv.accepted.shrinksOf(line)
		for i, s := range line {
			if p, ok := oddOne(line, i, shrinks); ok {
				s.add(p)
				odd[s.identity()] = p
			}
		}
	}
	for _, s := range twins {
		if p, ok := odd[s.identity()]; ok {
			s.add(p)
		}
	}
}

func hasCode(s *Set, code string) bool {
	return slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Code == code })
}

// oddOne judges line[i]; the line is newest first.
func oddOne(line []*Set, i int, shrinks Shrinks) (Problem, bool) {
	s := line[i]
	if !s.Foreign {
		shrink, ok := shrinks.Of(s)
		return shrink.problem(), ok
	}
	if s.State == Good {
		return Problem{}, false // it was loaded before
	}
	from := max(0, min(i-neighbours/2, len(line)-neighbours-1))
	var sizes []int64
	for j := from; j < len(line) && len(sizes) < neighbours; j++ {
		if j != i {
			sizes = append(sizes, line[j].Size)
		}
	}
	if len(sizes) < fewNeighbours {
		return Problem{}, false
	}
	slices.Sort(sizes)
	median := float64(sizes[len(sizes)/2])
	if size := float64(s.Size); size < farBelow*median || size > farAbove*median {
		return problem(OddSize, human.Bytes(s.Size), human.Bytes(int64(median))), true
	}
	return Problem{}, false
}
