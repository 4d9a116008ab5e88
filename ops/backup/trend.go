package backup

import (
	"slices"
	"time"
)

// Point is the size of one backup at its moment.
type Point struct {
	At    time.Time
	Bytes int64
}

// SizeTrend is the sizes of the full backups of the inventory's database, oldest first,
// one for each content, without bad ones.
func SizeTrend(inv *Inventory) (points []Point) {
	seen := map[any]bool{}
	for _, s := range inv.Sets {
		if s.Restorable(inv.Database) && s.State != Bad && !seen[s.identity()] {
			seen[s.identity()] = true
			points = append(points, Point{s.At, s.Size})
		}
	}
	slices.Reverse(points)
	return points
}
