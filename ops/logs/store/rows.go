package store

import (
	"math/bits"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

func leading(w uint64) int { return bits.LeadingZeros64(w) }

// Window returns up to above rows before the place and below rows from it on.
// It reads the rows' text, so it must not be called where waiting hurts.
func (s *Store) Window(at Place, above, below int) Window {
	s.mu.Lock()
	spots := s.feeds.spots(at)
	switch {
	case at.Skip > 0:
		s.view.walk(spots, at.Skip, true)
	case at.Skip < 0:
		s.view.walk(spots, -at.Skip, false)
	}
	up := s.view.walk(append([]spot(nil), spots...), above, false)
	down := s.view.walk(append([]spot(nil), spots...), below, true)
	w := Window{Above: len(up), Stats: s.stats(spots)}
	all := make([]rowAt, 0, len(up)+len(down))
	for i := len(up) - 1; i >= 0; i-- {
		all = append(all, up[i])
	}
	all = append(all, down...)
	q := s.view.query
	list := s.table.Snapshot()
	texts := make([]logs.Text, len(all))
	manners := make([]logindex.Manner, len(all))
	hits := make([]bool, len(all))
	gaps := make([]bool, len(all))
	for i, r := range all {
		texts[i], manners[i] = r.g.text, r.g.manner
		gaps[i] = s.view.hitsOnly() && s.view.around > 0 && r.e.near != nil && r.e.near.gapAt(r.e.blk, r.line)
		hits[i] = !q.Empty() && r.e.gen == s.view.gen && r.e.hitIn(r.line)
	}
	blks := make([]*logindex.Block, len(all))
	for i, r := range all {
		blks[i] = r.e.blk
	}
	s.mu.Unlock()
	p := line.NewParser(s.zone, s.now())
	w.Rows = make([]Row, len(all))
	for i, r := range all {
		manners[i].Teach(p)
		w.Rows[i] = readRow(r, blks[i], texts[i], list, p)
		w.Rows[i].Hit, w.Rows[i].Gap = hits[i], gaps[i]
	}
	return w
}

// hitIn tells whether a line or, for a head, any line of its event is a hit.
func (e *entry) hitIn(line int) bool {
	if e.hits.Has(line) {
		return true
	}
	i := e.hits.Next(line)
	return i >= 0 && e.blk.Heads.Has(line) && i < e.blk.EventEnd(line)
}

func readRow(r rowAt, blk *logindex.Block, text logs.Text, list []*line.Shape, p *line.Parser) Row {
	off, end := blk.LineAt(r.line)
	row := Row{ID: RowID{r.g.id, off}}
	head := blk.HeadOf(r.line)
	if blk.Heads.Has(r.line) {
		row.Lines = blk.EventEnd(r.line) - r.line - 1
	}
	at, _ := blk.LineAt(head)
	e, err := logindex.ReadEvent(text, p, off, min(end, off+logindex.RowText), at)
	if err != nil {
		row.Lost = true
	}
	if head == r.line && line.NeedsWhole(&e) { // its first line says little
		_, last := blk.LineAt(blk.EventEnd(head) - 1)
		if whole, err := logindex.ReadText(text, off, min(last, off+logindex.RowText)); err == nil {
			raw := e.Raw
			e.Raw = whole
			p.Whole(&e)
			e.Raw = raw
		}
	}
	e.Source = r.g.name
	if ms := blk.Times.At(r.line); ms != line.Unset && !e.Time.IsZero() {
		e.Time = time.UnixMilli(ms).In(p.Zone)
	}
	row.Event = e
	if head == r.line {
		row.Critical, row.Slow = blk.CriticalAt(head, list, text), blk.SlowAt(head, list, text)
	}
	return row
}

// stats sums up the store. The lock is held.
func (s *Store) stats(spots []spot) (t Stats) {
	t.Sources = len(s.feeds)
	t.Added = s.added
	t.Lost = s.lost
	t.Dropped = s.dropped
	t.FirstHits = s.first
	t.All.FirstMS, t.All.LastMS = line.Unset, line.Unset
	for _, f := range s.failed {
		t.Errors = append(t.Errors, f.err)
	}
	for i, f := range s.feeds {
		asked := s.view.query.SourcesMatch(f.name)
		for k, g := range f.segs {
			if g.err != nil {
				t.Errors = append(t.Errors, g.err)
			}
			t.Bytes += g.size
			for b, e := range g.blocks {
				if e.blk == nil {
					continue
				}
				t.Done += e.blk.End - e.blk.Off
				t.Lines += e.blk.Sum.Lines
				t.All.Add(e.blk.Sum)
				if b < g.first {
					continue
				}
				n := int64(s.view.countOf(g, b))
				t.Rows += n
				if !s.view.query.Empty() {
					if e.gen == s.view.gen {
						t.Hits += int64(e.count)
					}
					t.Pending = t.Pending || asked && (e.gen != s.view.gen || e.busy)
				}
				if spots == nil {
					continue
				}
				switch p := spots[i]; {
				case k < p.seg || k == p.seg && b < p.blk:
					t.Index += n
				case k == p.seg && b == p.blk:
					t.Index += int64(s.view.rowsOf(g, b).Rank(min(p.line, e.blk.Lines())))
				}
			}
		}
	}
	if t.All.FirstMS != line.Unset {
		t.Oldest, t.Last = time.UnixMilli(t.All.FirstMS).In(s.zone), time.UnixMilli(t.All.LastMS).In(s.zone)
	}
	t.Pending = t.Pending || !s.view.query.Empty() && t.Done < t.Bytes
	return t
}

// Stats sums up the store.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats(nil)
}

// Event reads the whole event that a row belongs to, with the number of its
// line, for which the text before may have to be counted.
func (s *Store) Event(id RowID) (logs.Event, bool) {
	s.mu.Lock()
	p, _, _, ok := s.feeds.locate(id)
	if !ok {
		s.mu.Unlock()
		return logs.Event{}, false
	}
	g := p.f.segs[p.seg]
	blk := g.blocks[p.blk].blk
	text := g.text
	name := g.name
	parser := line.NewParser(s.zone, s.now())
	g.manner.Teach(parser)
	var before []*logindex.Block
	if g.first == 0 {
		for _, e := range g.blocks[:p.blk] {
			before = append(before, e.blk)
		}
	}
	s.mu.Unlock()
	if p.line >= blk.Lines() {
		return logs.Event{}, false
	}
	head := blk.HeadOf(p.line)
	off, _ := blk.LineAt(head)
	_, end := blk.LineAt(blk.EventEnd(head) - 1)
	e, err := logindex.ReadEvent(text, parser, off, end, off)
	if err != nil {
		return logs.Event{}, false
	}
	e.Source = name
	if ms := blk.Times.At(head); ms != line.Unset && !e.Time.IsZero() {
		e.Time = time.UnixMilli(ms).In(s.zone)
	}
	if g.first == 0 {
		e.Line = int64(head) + 1
		for _, b := range before {
			e.Line += b.Sum.Lines
		}
	}
	return e, true
}

// Between reads the lines of the rows from one to another, whichever comes first,
// both with. whole is false when there are more than most.
func (s *Store) Between(a, b RowID, most int) (lines []string, whole bool) {
	for _, ends := range [][2]RowID{{a, b}, {b, a}} {
		at := Place{Row: ends[0]}
		lines = nil
		for len(lines) <= most {
			w := s.Window(at, 0, 200)
			for _, r := range w.Rows {
				if lines = append(lines, r.Event.Raw); r.ID == ends[1] {
					return lines, len(lines) <= most
				}
			}
			if len(w.Rows) == 0 {
				break // the other way round
			}
			at = Place{Row: w.Rows[len(w.Rows)-1].ID, Skip: 1}
		}
	}
	return nil, false
}
