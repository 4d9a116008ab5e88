package index

import (
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// waits tells whether what a block's last line says may be on a line that comes.
func (b *Builder) waits(blk *Block) bool {
	n := blk.Lines()
	return n > 0 && b.Shape(blk.Shapes.At(n-1)).Below
}

// Grow adds text up to size to a block, and further blocks where it gets too
// long; events is how many came.
func (b *Builder) Grow(blk *Block, r logs.Text, size int64) (fresh []*Block, events int64, err error) {
	from := blk.End
	before := blk.Sum.Events
	switch {
	case blk.Partial:
		from = b.dropLast(blk)
		before = min(before, blk.Sum.Events)
	case b.waits(blk): // its event was counted
		from = b.dropLast(blk)
	}
	cur := blk
	for from < size {
		to := size
		if room := cur.Off + BlockBytes - from; room < size-from {
			if to, err = b.start(r, max(cur.Off+BlockBytes, from+1), size); err != nil {
				return nil, 0, err
			}
		}
		if err := b.extend(cur, r, from, to); err != nil {
			return nil, 0, err
		}
		cur.climb()
		events += cur.Sum.Events - before
		if from = to; from < size {
			cur = &Block{Off: from, End: from}
			before = 0
			cur.Sum.FirstMS, cur.Sum.LastMS = line.Unset, line.Unset
			fresh = append(fresh, cur)
		}
	}
	return fresh, events, nil
}
