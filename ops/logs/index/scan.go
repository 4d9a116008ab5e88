package index

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// Scan goes through sources once, in the order of time, without an index that
// stays. All fields but Query may be zero.
type Scan struct {
	Query  *query.Query
	Zone   *time.Location
	Now    time.Time
	Newest bool // the newest first
	// Warn is told of parts that could not be read, or not wholly; the scan goes
	// on without them.
	Warn func(part string, err error)
	// Last is called once all hits were passed on, while their texts are open.
	Last func() error
	// Unnumbered leaves out the numbers of lines, for which text may have to be read
	// that nothing else is wanted of.
	Unnumbered bool
	// Texts keeps with the hits the text of their events that is at hand while they are
	// looked for. A hit is then good until the next one.
	Texts bool
	// Pass, if not nil, is given the texts of events, each with a line break at its end, instead of
	// their hits, where those are of one source and the texts are kept. hits is how many they are.
	Pass func(texts []byte, hits int64) error
	// Styles tells the style of a source by its name, always the same one; may be nil.
	Styles func(source string) *logline.Style
	// Foreign are bytes of a word in another encoding. Count and Each end with ErrForeign where a
	// text holds them and the query is one exact word: its lines may have to be converted. The hits
	// passed on before are the first ones then, too.
	Foreign []byte
	// Shelf, when not nil, has the indexes that the console keeps.
	Shelf Shelf

	table  *logline.Shapes
	kits   chan *kit
	rooms  chan *room
	passes bool // Pass is given texts
}

// kit is what one goroutine needs to look through text.
type kit struct {
	build *Builder
	match *Matcher
	find  []query.TextFinder // the literal that every hit holds, for text without an index
	words []byte             // a region that is looked through for it
	lines []wordLine         // room for the lines that hold it

	foreign *foreign // or nil
}

// Hit is a line that was found.
type Hit struct {
	Source   string
	Off, End int64 // of the line in the part's text
	Last     int64 // end of its event's text, when the line is a head
	Head     int64 // where its event's head begins
	Line     int64 // number of the line, from 1
	Printed  int64 // for the caller: the end of what it printed
	Over     Over  // for the caller: and how far into the part behind
	within   int32 // lines after its event's head
	ms       int64
	level    logs.Level
	text     *openPart
	event    []byte // its event's text where that was kept, else nil
}

// Time is the time of the hit's event, zero when none is known.
func (h *Hit) Time() time.Time {
	if h.ms == logline.Unset {
		return time.Time{}
	}
	return time.UnixMilli(h.ms)
}

// Level is that of the hit's event.
func (h *Hit) Level() logs.Level { return h.level }

func (s *Scan) prepare() {
	if s.Zone == nil {
		s.Zone = time.Local
	}
	if s.Now.IsZero() {
		s.Now = time.Now()
	}
	if s.Warn == nil {
		s.Warn = func(string, error) {}
	}
	if s.Last == nil {
		s.Last = func() error { return nil }
	}
	s.table = logline.NewShapes()
	n := runtime.GOMAXPROCS(0)
	s.kits = make(chan *kit, n)
	s.rooms = make(chan *room, 2*mostAhead)
	for range n {
		p := logline.NewParser(s.Zone, s.Now)
		k := &kit{build: NewBuilder(s.table, p, false), match: NewMatcher(s.Query, s.table, p)}
		k.foreign = newForeign(s.Foreign)
		if f, ok := s.Query.Literal(); ok {
			k.find = []query.TextFinder{f}
		}
		s.kits <- k
	}
}

// manner is what is known of a source's texts before they are read.
func (s *Scan) manner(source string) Manner {
	if s.Styles == nil {
		return UnknownManner
	}
	return StyledManner(s.Styles(source))
}

// openPart is a part whose text is open, shared by the hits found in it.
type openPart struct {
	log     string // the source that it is of
	name    string
	text    logs.Text
	size    int64
	manner  Manner
	kept    *Kept
	regions []Region
	lines   []int64 // line numbers at the beginnings of regions, where known
	piece   piece   // when it goes on the numbers of the part before
	beside  *openPart
	older   *openPart        // the part before, where the oldest come first
	newer   func() *openPart // the part behind, or nil
	near    *nearby          // what its hits are read from
}

// openText begins with a text; of is the manner of the source's texts before.
func (s *Scan) openText(log, name string, text logs.Text, of Manner) *openPart {
	p := &openPart{log: log, name: name, text: text, size: text.Size()}
	k := <-s.kits
	p.kept, p.manner = TakeKept(s.Shelf, k.build, text, p.size, of)
	s.kits <- k
	p.regions = RegionsOf(p.size, p.kept)
	p.lines = make([]int64, len(p.regions)+1)
	for i := range p.lines[1:] {
		p.lines[i+1] = -1
	}
	return p
}

// bounds is where region i begins and ends.
func (p *openPart) bounds(i int, start func(io.ReaderAt, int64, int64) (int64, error)) (off, end int64, err error) {
	off, err = p.regions[i].begin(p.text, p.size, start)
	end = p.size
	if i+1 < len(p.regions) && err == nil {
		end, err = p.regions[i+1].begin(p.text, p.size, start)
	}
	return off, end, err
}

func (p *openPart) close() {
	p.kept.Close()
	p.text.Close()
}

// found is what was found in a region.
type found struct {
	hits  []Hit
	texts []byte // of their events, to be passed on instead
	room  *room  // that they are in, or nil
	lines int64
	count int64
	err   error

	foreign bool // the text holds the bytes of Scan.Foreign
}

// job is one region being looked through.
type job struct {
	part   *openPart
	region int
	done   chan found
}

// Each calls do for every hit, the sources merged by time.
func (s *Scan) Each(ctx context.Context, sources []logs.Source, do func(*Hit) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.prepare()
	var m merge
	m.newest = s.Newest
	depth := max(2, mostAhead/max(1, len(sources)))
	for i, src := range sources {
		if !s.Query.SourcesMatch(src.Name) {
			continue
		}
		c := &cursor{scan: s, src: src, order: i, depth: depth, newest: s.Newest, manner: s.manner(src.Name)}
		defer c.close()
		m.all = append(m.all, c)
	}
	s.passes = s.Pass != nil && s.Texts && s.Unnumbered && !s.Newest && len(m.all) == 1
	for _, c := range m.all {
		c.prefetch(ctx)
	}
	live := m.all[:0]
	for _, c := range m.all {
		ok, err := c.next(ctx)
		if err != nil {
			return err
		}
		if ok {
			live = append(live, c)
		}
	}
	m.all = live
	heap.Init(&m)
	for len(m.all) > 0 {
		c := m.all[0]
		if err := do(c.hit()); err != nil {
			if err == ErrEnough {
				return s.Last()
			}
			return err
		}
		ok, err := c.next(ctx)
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(&m, 0)
		} else {
			heap.Pop(&m)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Last()
}

// ErrEnough ends a scan from within, as a success.
var ErrEnough = errors.New("enough")

// Count counts the hits.
func (s *Scan) Count(ctx context.Context, sources []logs.Source) (n int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.prepare()
	for _, src := range sources {
		if !s.Query.SourcesMatch(src.Name) {
			continue
		}
		c := &cursor{scan: s, src: src, depth: mostAhead, countOnly: true, manner: s.manner(src.Name)}
		for {
			f, ok, err := c.nextRegion(ctx)
			if err != nil {
				c.close()
				return n, err
			}
			if !ok {
				break
			}
			if f.foreign {
				c.close()
				return 0, ErrForeign
			}
			n += f.count
		}
		c.close()
	}
	return n, nil
}

// look looks through one region.
func (s *Scan) look(ctx context.Context, p *openPart, region int, countOnly bool) (f found) {
	k := <-s.kits
	defer func() { s.kits <- k }()
	k.build.Set(p.manner, p.text, s.Now)
	k.match.Source, k.match.Log = p.name, p.log
	if len(k.find) > 0 && !s.Query.HasTests() && countOnly {
		return k.literal(ctx, p, region)
	}
	off, end, err := p.bounds(region, k.build.start)
	if err != nil || off >= end {
		return found{err: err}
	}
	if len(k.find) > 0 {
		if f, ok := k.sparse(ctx, s, p, off, end, countOnly); ok {
			return f
		}
		if k.foreign != nil {
			text, err := k.hold(p.text, off, end)
			if err == errWhole || err == nil && k.foreign.in(text.held) {
				return found{foreign: true}
			}
		}
	}
	index := k.build.Build
	if countOnly {
		index = k.build.count
	}
	blk, err := k.build.read(p.text, p.regions[region], off, end, index)
	if err != nil {
		return found{err: err}
	}
	hits, err := k.match.Find(ctx, blk, p.text, 0, nil)
	if err != nil {
		return found{err: err}
	}
	f = found{lines: blk.Sum.Lines, count: int64(hits.Count())}
	if countOnly {
		return f
	}
	f.hits = make([]Hit, 0, f.count)
	for i := hits.Next(0); i >= 0; i = hits.Next(i + 1) {
		f.hits = append(f.hits, k.hit(blk, p, i))
	}
	return f
}

func (k *kit) hit(b *Block, p *openPart, i int) Hit {
	h := Hit{Source: p.name, Line: int64(i) + 1, ms: b.Times.At(i), text: p}
	h.Off, h.End = b.LineAt(i)
	head := b.HeadOf(i)
	h.level = k.build.Shape(b.Shapes.At(head)).Level
	h.Head, _ = b.LineAt(head)
	h.within = int32(i - head)
	_, h.Last = b.LineAt(b.EventEnd(i) - 1)
	return h
}

// literal counts the hits of a region, whose bounds are lines, by looking for a
// word that each must hold; only the lines around it are read as lines.
func (k *kit) literal(ctx context.Context, p *openPart, region int) (f found) {
	off, end, err := p.bounds(region, k.build.lineStart)
	if err != nil {
		return found{err: err}
	}
	if n, foreign, ok := k.mapped(p, off, end); ok {
		return found{count: n, foreign: foreign, err: ctx.Err()}
	}
	buf := k.build.buf
	have := 0
	for pos := off; pos < end && ctx.Err() == nil; {
		n := int(min(int64(len(buf)-have), end-pos))
		if n == 0 {
			return k.giant(p, pos-int64(have), end, f)
		}
		if err := logline.ReadFull(p.text, buf[have:have+n], pos); err != nil {
			return found{err: err}
		}
		pos += int64(n)
		text := buf[:have+n]
		whole := len(text)
		if pos < end {
			if whole = bytes.LastIndexByte(text, '\n') + 1; whole == 0 {
				have = len(text)
				continue
			}
		}
		f.count += k.countIn(text[:whole])
		f.foreign = f.foreign || k.foreign.in(text[:whole])
		have = copy(buf, text[whole:])
	}
	f.err = ctx.Err()
	return f
}

// giant goes on line by line where a line is longer than the buffer.
func (k *kit) giant(p *openPart, off, end int64, f found) found {
	err := logline.EachLine(p.text, off, end, k.build.buf, func(line []byte, at, size int64, _ bool) error {
		ok := k.match.Query.MatchBytes(logline.TrimCR(line), &k.match.vis)
		f.foreign = f.foreign || k.foreign != nil && (size > int64(len(line)) || k.foreign.in(line))
		if size > int64(len(line)) {
			var err error
			if ok, err = k.match.Query.MatchGiant(p.text, at, at+size); err != nil {
				return err
			}
		}
		if ok {
			f.count++
		}
		return nil
	})
	f.err = err
	return f
}

// countIn counts the matching lines of whole lines of text.
func (k *kit) countIn(text []byte) (n int64) {
	for i := 0; i < len(text); n++ {
		from, to := k.nextWordLine(text, i)
		if from < 0 {
			break
		}
		i = to + 1
	}
	return n
}

// lineStart returns where the first line that begins at or after off begins.
func (b *Builder) lineStart(r io.ReaderAt, off, size int64) (int64, error) {
	if off <= 0 || off >= size {
		return max(0, min(off, size)), nil
	}
	if at, ok := b.giants.LineStart(r, off); ok {
		return at, nil
	}
	for pos := off - 1; pos < size; {
		n := int(min(4<<10, size-pos))
		if pos > off {
			n = int(min(int64(len(b.buf)), size-pos))
		}
		if err := logline.ReadFull(r, b.buf[:n], pos); err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(b.buf[:n], '\n'); i >= 0 {
			b.giants.Note(r, off, pos+int64(i)+1, -1)
			return pos + int64(i) + 1, nil
		}
		pos += int64(n)
	}
	b.giants.Note(r, off, size, -1)
	return size, nil
}
