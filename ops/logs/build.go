package logs

import (
	"io"
)

// builder makes blocks. Each goroutine has its own.
type builder struct {
	table  *Shapes
	parser *Parser
	plain  bool // lines have no times: a plain line is an event of its own
	buf    []byte
	vis    []byte
	at     stamp // the first time in the line seen last
	known  shapeCache
	list   []*Shape // a snapshot of the table
	giants *giants  // of all builders of one table
	once   Block    // for count
}

func newBuilder(table *Shapes, parser *Parser, plain bool) *builder {
	return &builder{table: table, parser: parser, plain: plain, buf: make([]byte, windowBytes), giants: &table.giants}
}

// shapeCache finds a shape's number by its hash without the table's lock. It is
// a table of open places whose size is a power of two.
type shapeCache struct {
	keys []uint64
	ids  []uint32
	n    int
}

func (c *shapeCache) get(h uint64) (uint32, bool) {
	if len(c.keys) == 0 {
		return 0, false
	}
	mask := uint64(len(c.keys) - 1)
	for i := h & mask; c.keys[i] != 0; i = (i + 1) & mask {
		if c.keys[i] == h {
			return c.ids[i], true
		}
	}
	return 0, false
}

func (c *shapeCache) put(h uint64, id uint32) {
	if c.n*2 >= len(c.keys) {
		old := *c
		size := max(1<<10, 2*len(old.keys))
		*c = shapeCache{keys: make([]uint64, size), ids: make([]uint32, size)}
		for i, k := range old.keys {
			if k != 0 {
				c.put(k, old.ids[i])
			}
		}
	}
	mask := uint64(len(c.keys) - 1)
	i := h & mask
	for c.keys[i] != 0 {
		i = (i + 1) & mask
	}
	c.keys[i], c.ids[i] = h, id
	c.n++
}

// shapeOf returns the shape of a line as it stands in the text, with its number,
// the line as a person sees it, and its first date with a time.
func (b *builder) shapeOf(line []byte, size int64) (id uint32, s *Shape, seen []byte, first int) {
	seen = visible(line, &b.vis)
	if size > maxShapeLine {
		seen = seen[:min(len(seen), windowBytes)]
		id = b.table.opaque(seen, b.parser)
		return id, b.shape(id), seen, -1
	}
	h, first := shapeHash(seen, b.table.seed, &b.at)
	if h == 0 {
		h = 1
	}
	id, ok := b.known.get(h)
	if !ok {
		id = b.table.find(h, seen, first, b.parser)
		if s := b.shape(id); !s.opaque {
			b.known.put(h, id)
		}
	}
	return id, b.shape(id), seen, first
}

func (b *builder) shape(id uint32) *Shape {
	if int(id) >= len(b.list) {
		b.list = b.table.snapshot()
	}
	return b.list[id]
}

// isHead tells whether a line with this shape starts an event.
func (b *builder) isHead(s *Shape) bool {
	return s.Kind == KindHead || s.Kind == KindPlain && b.plain
}

// start returns where the block that begins at or after off begins: at a head
// that says its time, else at any head, else at any line, as far as can be seen
// from off. It depends on nothing but the text, so that two neighbours agree.
func (b *builder) start(r io.ReaderAt, off, size int64) (int64, error) {
	if off <= 0 {
		return 0, nil
	}
	if off >= size {
		return size, nil
	}
	if at, ok := b.giants.start(r, off); ok {
		return at, nil
	}
	asked := off
	line, head, timed, limit := int64(-1), int64(-1), int64(-1), off+headSearch
	skip := true // up to the first line break, unless off-1 is one
	err := eachLine(r, off-1, size, b.buf[:64<<10], func(text []byte, at, n int64, _ bool) error {
		if skip {
			skip = false
			return nil
		}
		if line < 0 {
			line, limit = at, max(limit, at+headSearch)
		}
		if at > limit {
			return errStop
		}
		_, s, seen, first := b.shapeOf(trimCR(text), n)
		if !b.isHead(s) {
			return nil
		}
		if head < 0 {
			head = at
		}
		if b.plain || s.timeOf(seen, first, &b.at, b.parser) != unset {
			timed = at
			return errStop
		}
		return nil
	})
	if err != nil && err != errStop {
		return 0, err
	}
	if line < 0 {
		line = size
	}
	for _, at := range []int64{timed, head, line} {
		if at >= 0 {
			b.giants.note(r, asked, line, at)
			return at, nil
		}
	}
	return size, nil
}

// build indexes the text from off to end.
func (b *builder) build(r io.ReaderAt, off, end int64) (*Block, error) {
	lines := int((end-off)/96) + 16
	blk := &Block{
		Off:    off,
		End:    end,
		starts: make([]uint32, 0, lines),
		shapes: make([]uint32, 0, lines),
		times:  make([]int64, 0, lines),
	}
	blk.sum.FirstMS, blk.sum.LastMS = unset, unset
	if err := b.extend(blk, r, off, end); err != nil {
		return nil, err
	}
	blk.trim()
	return blk, nil
}

// count is build for a block that is used once: its room is used again.
func (b *builder) count(r io.ReaderAt, off, end int64) (*Block, error) {
	k := &b.once
	*k = Block{Off: off, End: off, starts: k.starts[:0], shapes: k.shapes[:0], times: k.times[:0], heads: k.heads[:0]}
	k.sum.FirstMS, k.sum.LastMS = unset, unset
	return k, b.extend(k, r, off, end)
}

// trim gives back memory that was taken for more lines than there are.
func (b *Block) trim() {
	if cap(b.starts)-len(b.starts) > len(b.starts)/4 {
		b.starts = append([]uint32(nil), b.starts...)
		b.shapes = append([]uint32(nil), b.shapes...)
		b.times = append([]int64(nil), b.times...)
	}
}

// extend adds the lines from off to end to a block that ends at off.
func (b *builder) extend(blk *Block, r io.ReaderAt, off, end int64) error {
	last := int64(unset)
	if n := len(blk.times); n > 0 {
		last = blk.times[n-1]
	}
	err := eachLine(r, off, end, b.buf, func(line []byte, at, size int64, broken bool) error {
		if blk.partial = !broken; !broken {
			blk.before = &counted{blk.sum, blk.last}
		}
		last = b.add(blk, trimCR(line), at, size, last)
		return nil
	})
	blk.End = end
	return err
}

// add adds one line and returns the time that holds from it on.
func (b *builder) add(blk *Block, line []byte, at, size, last int64) int64 {
	id, s, seen, first := b.shapeOf(line, size)
	i := len(blk.starts)
	head := b.isHead(s) || i == 0
	if head {
		ms := s.timeOf(seen, first, &b.at, b.parser)
		if ms == unset && len(line) > 0 && line[0] == 0x1b {
			ms = markTime(line)
		}
		if ms != unset {
			last = ms
		}
		blk.heads.grow(i + 1)
		blk.heads.set(i)
		blk.count(s, last)
	}
	blk.mark(s, seen)
	blk.starts = append(blk.starts, uint32(at-blk.Off))
	blk.shapes = append(blk.shapes, id)
	blk.times = append(blk.times, last)
	if i > 0 && last < blk.times[i-1] {
		blk.back = true
	}
	blk.sum.Lines++
	return last
}

// count adds one event to the block's summary.
func (b *Block) count(s *Shape, ms int64) {
	b.sum.Events++
	b.sum.ByLevel[s.Level]++
	b.last = marked{}
	if ms == unset {
		return
	}
	if b.sum.FirstMS == unset || ms < b.sum.FirstMS {
		b.sum.FirstMS = ms
	}
	b.sum.LastMS = max(b.sum.LastMS, ms)
}

// mark adds what a line of the last event says to the block's summary.
func (b *Block) mark(s *Shape, line []byte) {
	if !b.last.critical && s.isCritical(line) {
		b.last.critical = true
		b.sum.Critical++
	}
	if !b.last.slow && s.isSlow(line) {
		b.last.slow = true
		b.sum.Slow++
	}
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// dropLast takes the last line off, which is about to grow; it returns where it
// began. What shared its room keeps it.
func (b *builder) dropLast(blk *Block) int64 {
	i := len(blk.starts) - 1
	off := blk.Off + int64(blk.starts[i])
	shape := blk.shapes[i]
	blk.starts, blk.shapes, blk.times = blk.starts[:i:i], blk.shapes[:i:i], blk.times[:i:i]
	head := blk.heads.has(i)
	if head {
		blk.heads[i>>6] &^= 1 << (i & 63)
	}
	switch was := blk.before; {
	case was != nil:
		blk.sum, blk.last, blk.before = was.sum, was.last, nil
	default: // it was kept
		if blk.sum.Lines--; head {
			blk.sum.Events--
			blk.sum.ByLevel[b.shape(shape).Level]--
			blk.sum.Critical -= one(blk.last.critical)
			blk.sum.Slow -= one(blk.last.slow)
			blk.last = marked{}
		}
	}
	blk.End, blk.partial = off, false
	return off
}
