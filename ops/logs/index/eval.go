package index

import (
	"context"
	"io"

	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// Matcher finds a query's hits in blocks. Each goroutine has its own.
type Matcher struct {
	Query        *query.Query
	table        *logline.Shapes
	list         []*logline.Shape
	text, event  []query.Verdict
	left         []uint64 // groups of words that a shape leaves open, a bit for each
	parser       *logline.Parser
	win          window
	vis          []byte
	since, until int64
	Source       string     // the name of the text, as its events say it
	Log          string     // the name of the source that the text is of
	any, none    []*Matcher // of the query's kept filters
}

// NewMatcher makes a matcher of one query.
func NewMatcher(q *query.Query, table *logline.Shapes, parser *logline.Parser) *Matcher {
	m := &Matcher{Query: q, table: table, parser: parser, since: logline.Unset, until: logline.Unset}
	if !q.Since.IsZero() {
		m.since = q.Since.UnixMilli()
	}
	if !q.Until.IsZero() {
		m.until = q.Until.UnixMilli()
	}
	for _, of := range q.Any {
		m.any = append(m.any, NewMatcher(of, table, parser))
	}
	for _, of := range q.None {
		m.none = append(m.none, NewMatcher(of, table, parser))
	}
	return m
}

// As has the matcher understand lines in a manner.
func (m *Matcher) As(manner Manner) { manner.Teach(m.parser) }

// verdicts returns what the shape tells about the text and about the event.
func (m *Matcher) verdicts(id uint32) (text, event query.Verdict) {
	if int(id) >= len(m.list) {
		m.list = m.table.Snapshot()
		m.text = append(m.text, make([]query.Verdict, len(m.list)-len(m.text))...)
		m.event = append(m.event, make([]query.Verdict, len(m.list)-len(m.event))...)
		m.left = append(m.left, make([]uint64, len(m.list)-len(m.left))...)
	}
	if m.text[id] == query.UnknownYet {
		m.text[id], m.left[id] = m.Query.TextVerdict(m.list[id])
		m.event[id] = m.Query.EventVerdict(m.list[id])
	}
	return m.text[id], m.event[id]
}

// inTime tells whether the time of an event is within the query's bounds.
func (m *Matcher) inTime(ms int64) bool {
	if m.since == logline.Unset && m.until == logline.Unset {
		return true
	}
	return ms != logline.Unset && (m.since == logline.Unset || ms >= m.since) &&
		(m.until == logline.Unset || ms < m.until)
}

// Find returns the block's lines from line on that match. within, when not nil,
// holds the only lines that can.
func (m *Matcher) Find(ctx context.Context, b *Block, r io.ReaderAt, from int, within Bitmap) (Bitmap, error) {
	hits, err := m.found(ctx, b, r, from, within)
	if err != nil || len(m.any)+len(m.none) == 0 || hits.Next(0) < 0 {
		return hits, err
	}
	return m.sifted(ctx, b, r, hits)
}

// found is Find without the kept filters.
func (m *Matcher) found(ctx context.Context, b *Block, r io.ReaderAt, from int, within Bitmap) (Bitmap, error) {
	hits := NewBitmap(b.Starts.Len())
	if m.skips(b) {
		return hits, nil
	}
	m.win.reset(r, b.End)
	event := query.No
	headText := !m.Query.HasText()
	for i := b.HeadOf(from); i < b.Starts.Len(); i++ {
		if i&0xfff == 0xfff && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text, ev := m.verdicts(b.Shapes.At(i))
		head := b.Heads.Has(i)
		if head {
			if event = ev; event != query.No && !m.inTime(b.Times.At(i)) {
				event = query.No
			}
			if event != query.No && m.Query.AsksLines() {
				event = min(event, m.linesVerdict(b, i))
			}
		}
		if event == query.No || text == query.No || i < from || headText && !head || within != nil && !within.Has(i) {
			continue
		}
		if event == query.Maybe {
			ok, err := m.eventHolds(b, b.HeadOf(i))
			if err != nil {
				return nil, err
			}
			if event = query.No; ok {
				event = query.Yes
			}
			if !ok {
				continue
			}
		}
		if text == query.Maybe {
			ok, err := m.lineMatches(b, i)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		hits.Set(i)
	}
	return hits, nil
}

// skips tells that no event of the block is within the query's times.
func (m *Matcher) skips(b *Block) bool {
	if m.since == logline.Unset && m.until == logline.Unset {
		return false
	}
	return b.Sum.FirstMS == logline.Unset || m.since != logline.Unset && b.Sum.LastMS < m.since ||
		m.until != logline.Unset && b.Sum.FirstMS >= m.until
}

// linesVerdict is what the shapes of an event's lines tell of what any of them may
// say.
func (m *Matcher) linesVerdict(b *Block, head int) query.Verdict {
	crit, took := query.No, query.No
	for i, end := head, b.EventEnd(head); i < end; i++ {
		m.verdicts(b.Shapes.At(i))
		s := m.list[b.Shapes.At(i)]
		if s.Critical {
			crit = query.Yes
		} else if s.Opaque {
			crit = max(crit, query.Maybe)
		}
		if s.HasTook || s.Opaque {
			took = query.Maybe
		}
	}
	if !m.Query.Critical {
		crit = query.Yes
	}
	if m.Query.Took == 0 {
		took = query.Yes
	}
	return min(crit, took)
}

// linesHold decides what linesVerdict left open.
func (m *Matcher) linesHold(b *Block, head int) (bool, error) {
	crit := !m.Query.Critical
	took := m.Query.Took == 0
	for i, end := head, b.EventEnd(head); i < end && !(crit && took); i++ {
		s := m.list[b.Shapes.At(i)]
		if crit = crit || s.Critical; !s.Opaque && (took || !s.HasTook) {
			continue
		}
		line, err := m.firstOf(b, i)
		if err != nil {
			return false, err
		}
		seen := logline.VisibleIn(line, &m.vis)
		crit, took = crit || logline.IsCritical(seen), took || logline.Took(seen) >= m.Query.Took
	}
	return crit && took, nil
}

// firstOf is a line, of a giant its beginning.
func (m *Matcher) firstOf(b *Block, i int) ([]byte, error) {
	off, end := b.LineAt(i)
	line, err := m.win.line(off, min(end, off+logline.WindowBytes))
	return logline.TrimCR(line), err
}

func (m *Matcher) eventHolds(b *Block, i int) (bool, error) {
	if m.Query.AsksLines() {
		if ok, err := m.linesHold(b, i); !ok || err != nil || !m.asksHead() {
			return ok, err
		}
	}
	line, err := m.firstOf(b, i)
	if err != nil {
		return false, err
	}
	e, ms, _ := m.parser.ParseMS(line)
	if (len(m.Query.Fields) > 0 || logline.OpensRecord([]byte(e.Message))) && logline.NeedsWhole(&e) {
		off, _ := b.LineAt(i)
		_, end := b.LineAt(b.EventEnd(i) - 1)
		if e.Raw, err = ReadText(m.win.r, off, min(end, off+RowText)); err != nil {
			return false, err
		}
		m.parser.Whole(&e)
	}
	e.Source = m.Source
	q := *m.Query
	q.Critical = false
	q.Took = 0
	q.Sources = nil // the source was asked for by its own name
	if q.Since, q.Until = query.ZeroTime, query.ZeroTime; ms != logline.Unset {
		e.Time = m.Query.Since
	}
	return q.MatchEvent(&e, nil), nil
}

// asksHead tells whether the head's text has to be understood.
func (m *Matcher) asksHead() bool {
	return len(m.Query.Fields) > 0 || len(m.Query.Heads) > 0 || len(m.Query.Contexts) > 0 || m.Query.Levels != 0
}

func (m *Matcher) lineMatches(b *Block, i int) (bool, error) {
	off, end := b.LineAt(i)
	if end-off > logline.WindowBytes {
		return m.Query.MatchGiant(m.win.r, off, end)
	}
	line, err := m.win.line(off, end)
	if err != nil {
		return false, err
	}
	return m.Query.MatchGroups(logline.TrimCR(line), &m.vis, m.left[b.Shapes.At(i)]), nil
}

// window reads lines that lie close together with few reads.
type window struct {
	r   io.ReaderAt
	end int64
	off int64
	buf []byte
	n   int
}

func (w *window) reset(r io.ReaderAt, end int64) {
	w.r = r
	w.end = end
	w.n = 0
}

// line returns the text from off to end, good until the next call.
func (w *window) line(off, end int64) ([]byte, error) {
	if off < w.off || end > w.off+int64(w.n) {
		if w.buf == nil {
			w.buf = make([]byte, logline.WindowBytes)
		}
		n := max(end-off, min(logline.WindowBytes/2, w.end-off))
		if n > int64(len(w.buf)) {
			w.buf = make([]byte, n)
		}
		w.n = 0
		if err := logline.ReadFull(w.r, w.buf[:n], off); err != nil {
			return nil, err
		}
		w.off = off
		w.n = int(n)
	}
	return w.buf[off-w.off : end-w.off], nil
}
