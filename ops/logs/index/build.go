package index

import (
	"io"

	logline "opsdeck/ops/logs/line"
)

// Builder makes blocks. Each goroutine has its own.
type Builder struct {
	Table  *logline.Shapes
	parser *logline.Parser
	plain  bool // lines have no times: a plain line is an event of its own
	buf    []byte
	vis    []byte
	seed   uint64        // of the hashes of shapes, by the manner of the text
	at     logline.Stamp // the first time in the line seen last
	known  shapeCache
	list   []*logline.Shape // a snapshot of the table
	giants *logline.Giants  // of all builders of one table
	once   Block            // for count
	rec    []byte           // the text of a record
	until  int64            // where the last line of the record begins that was added last
}

// NewBuilder makes a builder; plain says that lines have no times.
func NewBuilder(table *logline.Shapes, parser *logline.Parser, plain bool) *Builder {
	b := &Builder{
		Table:  table,
		parser: parser,
		plain:  plain,
		buf:    make([]byte, logline.WindowBytes),
		giants: &table.Giants,
	}
	parser.Turns = &table.Turns
	b.reseed()
	return b
}

// dayedSeed keeps apart the shapes of texts whose beginning tells the day.
const dayedSeed = 0x646179 // "day"

// reseed keeps shapes apart that are of texts read in ways that give other levels.
func (b *Builder) reseed() {
	if b.seed = b.Table.Seed ^ b.parser.Style().ID(); b.parser.Column {
		b.seed = ^b.seed
	}
	if b.parser.Day.Year > 0 {
		b.seed ^= dayedSeed
	}
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

// shapeOf returns the shape of a line of the text, with its number,
// the line as a person sees it, and its first date with a time.
func (b *Builder) shapeOf(line []byte, size int64) (id uint32, s *logline.Shape, seen []byte, first int) {
	seen = logline.VisibleIn(line, &b.vis)
	if size > logline.MaxShapeLine {
		seen = seen[:min(len(seen), logline.WindowBytes)]
		id = b.Table.Opaque(seen, b.parser)
		return id, b.Shape(id), seen, -1
	}
	h, first := logline.ShapeHash(seen, b.seed, &b.at)
	if h == 0 {
		h = 1
	}
	id, ok := b.known.get(h)
	if !ok {
		id = b.Table.Find(h, seen, first, b.parser)
		if s := b.Shape(id); !s.Opaque {
			b.known.put(h, id)
		}
	}
	switch s = b.Shape(id); {
	case s.Unsettled:
		id, s = b.alone(seen)
	case s.Numbered:
		id, s = b.ofLevel(h, id, seen, first)
	}
	return id, s, seen, first
}

// alone returns the shape of a line that is read by itself.
func (b *Builder) alone(seen []byte) (uint32, *logline.Shape) {
	id := b.Table.Opaque(seen, b.parser)
	return id, b.Shape(id)
}

// seenLine is a line as a builder reads it.
type seenLine struct {
	id    uint32 // of its shape
	shape *logline.Shape
	text  []byte // as a person sees it
	first int    // where its first date with a time is, or -1
	ms    int64  // its time where it is a head, else Unset
}

// headOf is shapeOf with the line's time.
func (b *Builder) headOf(line []byte, size int64) (l seenLine) {
	l.id, l.shape, l.text, l.first = b.shapeOf(line, size)
	if l.ms = logline.Unset; l.shape.Kind != logline.KindHead {
		return l
	}
	if l.ms = b.timeOf(&l); l.shape.Alone(l.ms, l.first, &b.at, b.parser) {
		l.id, l.shape = b.alone(l.text)
		l.ms = b.timeOf(&l)
	}
	return l
}

// timeOf is the time of the line that was read last.
func (b *Builder) timeOf(l *seenLine) int64 { return l.shape.TimeOf(l.text, l.first, &b.at, b.parser) }

// ofLevel returns the shape of a line whose level comes from a number: that of its
// pattern, which id is a shape of, and of its level.
func (b *Builder) ofLevel(h uint64, id uint32, seen []byte, first int) (uint32, *logline.Shape) {
	level := b.Shape(id).LevelOf(seen, b.parser)
	if level == b.Shape(id).Level {
		return id, b.Shape(id)
	}
	h = logline.HashOfLevel(h, level)
	id, ok := b.known.get(h)
	if !ok {
		id = b.Table.Find(h, seen, first, b.parser)
		if s := b.Shape(id); !s.Opaque {
			b.known.put(h, id)
		}
	}
	return id, b.Shape(id)
}

// Shape returns the shape with that number.
func (b *Builder) Shape(id uint32) *logline.Shape {
	if int(id) >= len(b.list) {
		b.list = b.Table.Snapshot()
	}
	return b.list[id]
}

// isHead tells whether a line with this shape starts an event.
func (b *Builder) isHead(s *logline.Shape) bool {
	return s.Kind == logline.KindHead || s.Kind == logline.KindPlain && b.plain
}

// start returns where the block that begins at or after off begins: at a head
// that says its time, else at any head, else at any line, as far as can be seen
// from off. It depends on nothing but the text, so that two neighbours agree.
func (b *Builder) start(r io.ReaderAt, off, size int64) (int64, error) {
	if off <= 0 {
		return 0, nil
	}
	if off >= size {
		return size, nil
	}
	if at, ok := b.giants.Start(r, off); ok {
		return at, nil
	}
	asked := off
	line := int64(-1)
	head := int64(-1)
	timed := int64(-1)
	limit := off + headSearch
	skip := true // up to the first line break, unless off-1 is one
	err := logline.EachLine(r, off-1, size, b.buf[:64<<10], func(text []byte, at, n int64, _ bool) error {
		if skip {
			skip = false
			return nil
		}
		if line < 0 {
			line = at
			limit = max(limit, at+headSearch)
		}
		if at > limit {
			return logline.ErrStop
		}
		b.parser.At = at
		l := b.headOf(logline.TrimCR(text), n)
		if logline.OpensRecord(l.text) {
			if rec, ok := b.record(r, at, size); ok {
				l.shape = b.Shape(rec.id)
				l.ms = rec.ms
			}
		}
		if !b.isHead(l.shape) {
			return nil
		}
		if head < 0 {
			head = at
		}
		if b.plain || l.ms != logline.Unset {
			timed = at
			return logline.ErrStop
		}
		return nil
	})
	if err != nil && err != logline.ErrStop {
		return 0, err
	}
	if line < 0 {
		line = size
	}
	for _, at := range []int64{timed, head, line} {
		if at >= 0 {
			b.giants.Note(r, asked, line, at)
			return at, nil
		}
	}
	return size, nil
}

// Build indexes the text from off to end.
func (b *Builder) Build(r io.ReaderAt, off, end int64) (*Block, error) {
	lines := int((end-off)/96) + 16
	blk := &Block{
		Off:    off,
		End:    end,
		Starts: makeStarts(lines),
		Shapes: makeIDs(lines),
		Times:  makeTimes(lines),
	}
	blk.Sum.FirstMS, blk.Sum.LastMS = logline.Unset, logline.Unset
	if err := b.extend(blk, r, off, end); err != nil {
		return nil, err
	}
	blk.trim()
	return blk, nil
}

// count is build for a block that is used once: its room is used again.
func (b *Builder) count(r io.ReaderAt, off, end int64) (*Block, error) {
	k := b.fresh(off)
	return k, b.extend(k, r, off, end)
}

// fresh is an empty block that begins at an offset, in the room of the one before.
func (b *Builder) fresh(off int64) *Block {
	k := &b.once
	k.Starts.clear()
	k.Times.clear()
	k.Shapes.clear()
	*k = Block{Off: off, End: off, Starts: k.Starts, Shapes: k.Shapes, Times: k.Times, Heads: k.Heads[:0]}
	k.Sum.FirstMS, k.Sum.LastMS = logline.Unset, logline.Unset
	return k
}

// trim gives back memory that was taken for more lines than there are.
func (b *Block) trim() {
	if n := b.Starts.Len(); b.Starts.room()-n > n/32 {
		b.Starts.trim()
		b.Shapes.trim()
		b.Times.trim()
	}
}

// extend adds the lines from off to end to a block that ends at off.
func (b *Builder) extend(blk *Block, r io.ReaderAt, off, end int64) error {
	last := int64(logline.Unset)
	if n := blk.Times.Len(); n > 0 {
		last = blk.Times.At(n - 1)
	}
	b.until = -1
	err := logline.EachLine(r, off, end, b.buf, func(line []byte, at, size int64, broken bool) error {
		if blk.Partial = !broken; !broken {
			blk.before = &counted{blk.Sum, blk.last, blk.flow}
		}
		last = b.add(blk, logline.TrimCR(line), at, size, last, source{r, end})
		return nil
	})
	blk.End = end
	return err
}

// source is the text that lines are from, and where it ends.
type source struct {
	text io.ReaderAt
	end  int64
}

// add adds one line and returns the time that holds from it on.
func (b *Builder) add(blk *Block, line []byte, at, size, last int64, of source) int64 {
	b.parser.At = at
	return b.addSeen(blk, line, b.headOf(line, size), at, last, of)
}

// addSeen is add for the line that was read last.
func (b *Builder) addSeen(blk *Block, line []byte, l seenLine, at, last int64, of source) int64 {
	i := blk.Starts.Len()
	inside := at <= b.until
	if logline.OpensRecord(l.text) && !inside {
		if rec, ok := b.record(of.text, at, of.end); ok {
			l.id, l.shape, l.ms, b.until = rec.id, b.Shape(rec.id), rec.ms, rec.last
		}
	}
	if l.shape.Below && !inside {
		b.below(&l, of.text, at, of.end)
	}
	s := l.shape
	head := !inside && blk.flow.Begins(s, line, b.plain)
	if head = head || i == 0; head {
		// The file's first line, or each of one without heads, may have a time of its own.
		if l.ms == logline.Unset && s.Kind != logline.KindHead {
			l.ms = b.timeOf(&l)
		}
		if l.ms == logline.Unset && len(line) > 0 && line[0] == 0x1b {
			l.ms = logline.MarkTime(line)
		}
		if l.ms != logline.Unset {
			last = l.ms
		}
		blk.Heads.Grow(i + 1)
		blk.Heads.Set(i)
		blk.count(s, last)
	}
	blk.mark(s, l.text)
	blk.Starts.add(uint32(at - blk.Off))
	blk.Shapes.add(l.id)
	blk.Times.add(last)
	if i > 0 && last < blk.Times.At(i-1) {
		blk.Back = true
	}
	blk.Sum.Lines++
	return last
}

// count adds one event to the block's summary.
func (b *Block) count(s *logline.Shape, ms int64) {
	b.Sum.Events++
	b.Sum.ByLevel[s.Level]++
	b.last = marked{}
	if ms == logline.Unset {
		return
	}
	if b.Sum.FirstMS == logline.Unset || ms < b.Sum.FirstMS {
		b.Sum.FirstMS = ms
	}
	b.Sum.LastMS = max(b.Sum.LastMS, ms)
}

// mark adds what a line of the last event says to the block's summary.
func (b *Block) mark(s *logline.Shape, line []byte) {
	if !b.last.critical && s.IsCritical(line) {
		b.last.critical = true
		b.Sum.Critical++
	}
	if !b.last.slow && s.IsSlow(line) {
		b.last.slow = true
		b.Sum.Slow++
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
func (b *Builder) dropLast(blk *Block) int64 {
	i := blk.Starts.Len() - 1
	off := blk.Off + int64(blk.Starts.At(i))
	shape := blk.Shapes.At(i)
	blk.Starts.cut(i)
	blk.Shapes.cut(i)
	blk.Times.cut(i)
	head := blk.Heads.Has(i)
	if head {
		blk.Heads[i>>6] &^= 1 << (i & 63)
	}
	switch was := blk.before; {
	case was != nil:
		blk.Sum = was.sum
		blk.last = was.last
		blk.flow = was.flow
		blk.before = nil
	default: // it was kept
		if blk.Sum.Lines--; head {
			blk.Sum.Events--
			blk.Sum.ByLevel[b.Shape(shape).Level]--
			blk.Sum.Critical -= one(blk.last.critical)
			blk.Sum.Slow -= one(blk.last.slow)
			blk.last = marked{}
		}
	}
	blk.End, blk.Partial = off, false
	return off
}
