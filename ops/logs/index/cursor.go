package index

import (
	"context"
	"errors"
	"slices"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// mostAhead is how many regions of all sources are looked through ahead.
const mostAhead = 6

// cursor goes through one source's hits in order, with a few regions being
// looked through ahead.
type cursor struct {
	scan      *Scan
	src       logs.Source
	order     int
	depth     int
	newest    bool
	countOnly bool

	part   int // the next part to open
	open   *openPart
	ahead  *openPart // opened, and not yet gone on to
	region int       // the next region of the open part
	jobs   []job
	parts  []*openPart
	manner Manner // of the texts so far

	found
	pos int
	key int64 // time of the current hit, never running backwards
}

// close closes the texts.
func (c *cursor) close() {
	for _, j := range c.jobs {
		<-j.done
	}
	for _, p := range c.parts {
		p.close()
	}
	c.parts = nil
}

func (c *cursor) hit() *Hit { return &c.hits[c.pos-1] }

// next steps to the next hit.
func (c *cursor) next(ctx context.Context) (bool, error) {
	for c.pos >= len(c.hits) {
		c.scan.done(&c.found)
		f, ok, err := c.nextRegion(ctx)
		if err != nil || !ok {
			return false, err
		}
		if c.found, c.pos = f, 0; f.texts != nil {
			if err := c.scan.Pass(f.texts, f.count); err != nil {
				return false, err
			}
		}
	}
	c.pos++
	switch ms := c.hit().ms; {
	case ms == line.Unset:
	case c.key == 0:
		c.key = ms
	case c.newest:
		c.key = min(c.key, ms)
	default:
		c.key = max(c.key, ms)
	}
	return true, nil
}

// nextRegion waits for the next region. A part that cannot be read is warned of
// and left.
func (c *cursor) nextRegion(ctx context.Context) (found, bool, error) {
	for {
		c.prefetch(ctx)
		if len(c.jobs) == 0 {
			return found{}, false, ctx.Err()
		}
		j := c.jobs[0]
		c.jobs = c.jobs[1:]
		f := <-j.done
		if f.err != nil {
			if err := ctx.Err(); err != nil {
				return f, false, err
			}
			c.scan.Warn(j.part.name, f.err)
			continue
		}
		if f.foreign && !c.countOnly {
			return f, false, ErrForeign
		}
		if !c.countOnly && !c.scan.Unnumbered {
			if err := j.number(ctx, &f, c.newest); err != nil {
				c.scan.Warn(j.part.name, err)
			}
		}
		if c.newest {
			for a, b := 0, len(f.hits)-1; a < b; a, b = a+1, b-1 {
				f.hits[a], f.hits[b] = f.hits[b], f.hits[a]
			}
		}
		return f, true, nil
	}
}

// number gives the hits their line numbers in the part.
func (j job) number(ctx context.Context, f *found, newest bool) error {
	p, i := j.part, j.region
	if o := p.beside; o != nil { // of which all regions were numbered
		if last := len(p.lines) - 1; newest && i+1 == last {
			p.lines[last] = o.lines[0]
		} else if !newest && i == 0 {
			p.lines[0] = o.lines[len(o.lines)-1]
		}
	}
	if newest && p.lines[i] < 0 && p.lines[i+1] >= 0 {
		p.lines[i] = p.lines[i+1] - f.lines
	}
	if len(f.hits) > 0 && p.lines[i] < 0 {
		if err := p.countTo(ctx, i, f.hits[0].Off, f.hits[0].Line-1); err != nil {
			return err
		}
	}
	if p.lines[i] >= 0 {
		p.lines[i+1] = p.lines[i] + f.lines
		for k := range f.hits {
			f.hits[k].Line += p.lines[i]
		}
	}
	return nil
}

// prefetch keeps depth regions under way.
func (c *cursor) prefetch(ctx context.Context) {
	for len(c.jobs) < c.depth && ctx.Err() == nil {
		if !c.more(ctx) {
			return
		}
		j := job{part: c.open, region: c.region, done: make(chan found, 1)}
		if c.newest {
			c.region--
		} else {
			c.region++
		}
		c.jobs = append(c.jobs, j)
		go func() { j.done <- c.scan.look(ctx, j.part, j.region, c.countOnly) }()
	}
}

// more tells whether there is a region left, opening the next part when needed.
func (c *cursor) more(ctx context.Context) bool {
	for c.open == nil || c.region < 0 || c.region >= len(c.open.regions) {
		next := c.ahead
		if c.ahead = nil; next == nil {
			next = c.openNext(ctx)
		}
		if next == nil {
			return false
		}
		c.open = next
		if c.region = 0; c.newest {
			c.region = len(c.open.regions) - 1
		}
	}
	return true
}

// openNext opens the part after the one opened last, nil when there is none.
func (c *cursor) openNext(ctx context.Context) *openPart {
	for c.part < len(c.src.Parts) {
		i := c.part
		if c.newest {
			i = len(c.src.Parts) - 1 - i
		}
		c.part++
		part := c.src.Parts[i]
		if p, ok := part.(logs.Pieced); ok {
			if pieces := p.Pieces(); pieces != nil {
				c.src.Parts = slices.Replace(slices.Clone(c.src.Parts), i, i+1, pieces...)
				c.part--
				continue
			}
		}
		text, err := part.Open(ctx)
		if err != nil && !errors.Is(err, context.Canceled) {
			c.scan.Warn(part.Name(), err)
		}
		if text == nil {
			continue
		}
		p := c.scan.openText(c.src.Name, part.Name(), text, c.manner)
		c.learn(ctx, p, i)
		var last *openPart
		if n := len(c.parts); n > 0 {
			last = c.parts[n-1]
		}
		p.continueFrom(part, last, c.newest)
		if c.parts = append(c.parts, p); !c.newest {
			if p.older = last; last != nil {
				last.newer = func() *openPart { return p }
			}
			p.newer = func() *openPart {
				if c.ahead == nil {
					c.ahead = c.openNext(ctx)
				}
				return c.ahead
			}
		}
		return p
	}
	return nil
}

// continueFrom has a piece go on the line numbers of the one opened before, which lies
// behind it when the newest come first.
func (p *openPart) continueFrom(part logs.Part, o *openPart, newest bool) {
	if p.piece, _ = part.(piece); p.piece == nil {
		return
	}
	if o != nil && o.piece != nil && o.name == p.name {
		p.beside = o
	}
	if newest || p.beside != nil {
		p.lines[0] = -1
	}
}

// learn notes the manner of a part, which is part i. Where the newest come
// first and it does not tell the order of its dates, the part before it is asked.
func (c *cursor) learn(ctx context.Context, p *openPart, i int) {
	if c.newest && p.manner.open && !c.manner.Sure && i > 0 {
		if text, _ := c.src.Parts[i-1].Open(ctx); text != nil {
			k := <-c.scan.kits
			if m := LooksLike(k.build, text, text.Size(), c.manner); m.Sure {
				p.manner.DayFirst, p.manner.Sure = m.DayFirst, true
			}
			c.scan.kits <- k
			text.Close()
		}
	}
	c.manner = p.manner.With(c.manner)
}

// merge is a heap of cursors by the time of their hits; ties go by the order of
// the sources.
type merge struct {
	all    []*cursor
	newest bool
}

func (m *merge) Len() int      { return len(m.all) }
func (m *merge) Swap(i, j int) { m.all[i], m.all[j] = m.all[j], m.all[i] }
func (m *merge) Push(x any)    { m.all = append(m.all, x.(*cursor)) }

func (m *merge) Less(i, j int) bool {
	a, b := m.all[i], m.all[j]
	if a.key != b.key {
		return (a.key < b.key) != m.newest
	}
	return (a.order < b.order) != m.newest
}

func (m *merge) Pop() any {
	last := m.all[len(m.all)-1]
	m.all = m.all[:len(m.all)-1]
	return last
}
