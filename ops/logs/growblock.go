package logs

// grow adds text up to size to a block, and further blocks where it gets too
// long; events is how many came.
func (b *builder) grow(blk *Block, r Text, size int64) (fresh []*Block, events int64, err error) {
	from := blk.End
	before := blk.sum.Events
	if blk.partial {
		from = b.dropLast(blk)
		before = min(before, blk.sum.Events)
	}
	cur := blk
	for from < size {
		to := size
		if room := cur.Off + blockBytes - from; room < size-from {
			if to, err = b.start(r, max(cur.Off+blockBytes, from+1), size); err != nil {
				return nil, 0, err
			}
		}
		if err := b.extend(cur, r, from, to); err != nil {
			return nil, 0, err
		}
		events += cur.sum.Events - before
		if from = to; from < size {
			cur, before = &Block{Off: from, End: from}, 0
			cur.sum.FirstMS, cur.sum.LastMS = unset, unset
			fresh = append(fresh, cur)
		}
	}
	return fresh, events, nil
}
