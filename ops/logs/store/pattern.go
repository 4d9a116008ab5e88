package store

import (
	"context"
	"sort"
	"strings"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
)

// EventPattern is what many events have in common: a message with what varies taken
// out.
type EventPattern struct {
	Text        string     // # for numbers, <time>, <id>, … for names
	Level       logs.Level // the most serious among them
	Context     string     // that of one of them
	Count       int64
	Before, Now int64 // in the time before, and since the last healthy hour
	First, Last time.Time
	Critical    bool
	State       PatternState
	Literal     string // its longest piece that does not vary
}

// PatternState tells how a pattern's rate has changed.
type PatternState uint8

// The states. A pattern is new when it was not seen up to the end of the last
// healthy hour, surging when it comes three times as often since.
const (
	PatternSteady PatternState = iota
	PatternSurging
	PatternNew
)

// stretch is how long an hour is that may be healthy.
const stretch = time.Hour

// Patterns groups the rows, or with no query all events, by their messages. What
// came since the last healthy hour up to until is compared with what came before;
// a zero until is the newest event's time. Most worrying first.
func (s *Store) Patterns(ctx context.Context, until time.Time) ([]EventPattern, Comparison) {
	blocks, rows, list, newest := s.rowBlocks()
	pivot := newest
	if !until.IsZero() {
		pivot = until.UnixMilli()
	}
	h := hours{pivot: pivot}
	for i, b := range blocks {
		if h.count(b, rows[i], list); ctx.Err() != nil {
			return nil, Comparison{}
		}
	}
	from, healthy := h.since()
	c := patternCount{by: make([]shapeCount, len(list)), from: from, until: pivot, oldest: pivot}
	for i, b := range blocks {
		if c.add(b, rows[i], list); ctx.Err() != nil {
			return nil, Comparison{}
		}
	}
	return c.patterns(list, s.zone), Comparison{Since: time.UnixMilli(from).In(s.zone), Healthy: healthy}
}

func (s *Store) rowBlocks() (blocks []*logindex.Block, rows []logindex.Bitmap, list []*line.Shape, newest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest = line.Unset
	for _, f := range s.feeds {
		for _, g := range f.segs {
			for k := g.first; k < len(g.blocks); k++ {
				e := g.blocks[k]
				if e.blk == nil || !s.view.query.Empty() && e.gen != s.view.gen {
					continue
				}
				r := e.blk.Heads
				if !s.view.query.Empty() {
					r = e.hits
				}
				newest = max(newest, e.blk.Sum.LastMS)
				blocks = append(blocks, e.blk)
				rows = append(rows, r)
			}
		}
	}
	return blocks, rows, s.table.Snapshot(), newest
}

type shapeCount struct {
	n, now, before int64
	first, last    int64
	critical       bool // a line of such an event needs a person at once
}

type patternCount struct {
	by                  []shapeCount
	from, until, oldest int64
}

func (c *patternCount) add(b *logindex.Block, rows logindex.Bitmap, list []*line.Shape) {
	for i := rows.Next(0); i >= 0; i = rows.Next(i + 1) {
		if int(b.Shapes.At(i)) >= len(c.by) {
			continue
		}
		s := &c.by[b.Shapes.At(i)]
		ms := b.Times.At(i)
		s.n++
		s.critical = s.critical || b.Sum.Critical > 0 && b.Heads.Has(i) && b.CriticalAt(i, list, nil)
		if ms == line.Unset {
			continue
		}
		if s.first == 0 || ms < s.first {
			s.first = ms
		}
		s.last = max(s.last, ms)
		c.oldest = min(c.oldest, ms)
		switch {
		case ms > c.until:
		case ms > c.from:
			s.now++
		default:
			s.before++
		}
	}
}

func (c *patternCount) patterns(list []*line.Shape, zone *time.Location) []EventPattern {
	by := map[string]*EventPattern{}
	for id, n := range c.by {
		if n.n == 0 {
			continue
		}
		shape := list[id]
		p := by[shape.Message]
		if p == nil {
			p = &EventPattern{Text: readable(shape.Message), Context: shape.Context, Literal: literalOf(shape.Message)}
			by[shape.Message] = p
		}
		p.take(shape, n, zone)
	}
	widen(by)
	out := make([]EventPattern, 0, len(by))
	span := float64(c.from-c.oldest) / float64(stretch.Milliseconds())
	lately := float64(c.until-c.from) / float64(stretch.Milliseconds())
	for _, p := range by {
		p.judge(span, lately)
		out = append(out, *p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].before(&out[j]) })
	return out
}

func (p *EventPattern) take(s *line.Shape, n shapeCount, zone *time.Location) {
	p.Count += n.n
	p.Now += n.now
	p.Before += n.before
	p.Level = max(p.Level, s.Level)
	p.Critical = p.Critical || s.Critical || n.critical
	if n.first == 0 {
		return
	}
	if first := time.UnixMilli(n.first).In(zone); p.First.IsZero() || first.Before(p.First) {
		p.First = first
	}
	if last := time.UnixMilli(n.last).In(zone); last.After(p.Last) {
		p.Last = last
	}
}

// judge compares the rate lately with that of the time before; both are in hours.
func (p *EventPattern) judge(before, lately float64) {
	switch {
	case before < 0.25 || p.Now == 0:
	case p.Before == 0:
		p.State = PatternNew
	case p.Now >= 5 && float64(p.Now)/max(lately, 1) >= 3*float64(p.Before)/max(before, 1):
		p.State = PatternSurging
	}
}

// worry is how much a pattern asks to be looked at: trouble that is new or
// surging, then what needs a person, then errors, warnings, news, the rest.
func (p *EventPattern) worry() int {
	switch {
	case p.State > PatternSteady && (p.Critical || p.Level >= logs.LevelWarn):
		return 5
	case p.Critical:
		return 4
	case p.Level >= logs.LevelError:
		return 3
	case p.Level == logs.LevelWarn:
		return 2
	case p.State > PatternSteady:
		return 1
	}
	return 0
}

// before is the order of the list.
func (p *EventPattern) before(o *EventPattern) bool {
	switch {
	case p.worry() != o.worry():
		return p.worry() > o.worry()
	case p.State != o.State:
		return p.State > o.State
	case p.Critical != o.Critical:
		return p.Critical
	case p.Count != o.Count:
		return p.Count > o.Count
	}
	return p.Text < o.Text
}

var readableMarks = strings.NewReplacer(
	string(rune(line.SlotDigits)),
	"#",
	string(rune(line.SlotTime)),
	"<time>",
	string(rune(line.SlotID)),
	"<id>",
	string(rune(slotWord)),
	"…",
)

func readable(shape string) string {
	if shape == "" {
		return "…"
	}
	return readableMarks.Replace(shape)
}

// literalOf is the longest piece between two marks.
func literalOf(shape string) (best string) {
	for _, piece := range strings.FieldsFunc(shape, func(r rune) bool { return r >= 1 && r <= 4 }) {
		if piece = strings.TrimSpace(piece); len(piece) > len(best) {
			best = piece
		}
	}
	return best
}
