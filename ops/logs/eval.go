package logs

import (
	"context"
	"io"
)

// matcher finds a query's hits in blocks. Each goroutine has its own.
type matcher struct {
	q            *Query
	table        *Shapes
	list         []*Shape
	text, event  []verdict
	left         []uint64 // groups of words that a shape leaves open, a bit for each
	parser       *Parser
	win          window
	vis          []byte
	since, until int64
	source       string
}

func newMatcher(q *Query, table *Shapes, parser *Parser) *matcher {
	m := &matcher{q: q, table: table, parser: parser, since: unset, until: unset}
	if !q.Since.IsZero() {
		m.since = q.Since.UnixMilli()
	}
	if !q.Until.IsZero() {
		m.until = q.Until.UnixMilli()
	}
	return m
}

// verdicts returns what the shape tells about the text and about the event.
func (m *matcher) verdicts(id uint32) (text, event verdict) {
	if int(id) >= len(m.list) {
		m.list = m.table.snapshot()
		m.text = append(m.text, make([]verdict, len(m.list)-len(m.text))...)
		m.event = append(m.event, make([]verdict, len(m.list)-len(m.event))...)
		m.left = append(m.left, make([]uint64, len(m.list)-len(m.left))...)
	}
	if m.text[id] == unknownYet {
		m.text[id], m.left[id] = m.q.textVerdict(m.list[id])
		m.event[id] = m.q.eventVerdict(m.list[id])
	}
	return m.text[id], m.event[id]
}

// inTime tells whether the time of an event is within the query's bounds.
func (m *matcher) inTime(ms int64) bool {
	if m.since == unset && m.until == unset {
		return true
	}
	return ms != unset && (m.since == unset || ms >= m.since) && (m.until == unset || ms < m.until)
}

// find returns the block's lines from line on that match. within, when not nil,
// holds the only lines that can.
func (m *matcher) find(ctx context.Context, b *Block, r io.ReaderAt, from int, within bitmap) (bitmap, error) {
	hits := newBitmap(len(b.starts))
	if m.skips(b) {
		return hits, nil
	}
	m.win.reset(r, b.End)
	event, headText := no, !m.q.HasText()
	for i := b.headOf(from); i < len(b.starts); i++ {
		if i&0xfff == 0xfff && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		text, ev := m.verdicts(b.shapes[i])
		head := b.heads.has(i)
		if head {
			if event = ev; event != no && !m.inTime(b.times[i]) {
				event = no
			}
			if event != no && m.q.asksLines() {
				event = min(event, m.linesVerdict(b, i))
			}
		}
		if event == no || text == no || i < from || headText && !head || within != nil && !within.has(i) {
			continue
		}
		if event == maybe {
			ok, err := m.eventHolds(b, b.headOf(i))
			if err != nil {
				return nil, err
			}
			if event = no; ok {
				event = yes
			}
			if !ok {
				continue
			}
		}
		if text == maybe {
			ok, err := m.lineMatches(b, i)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
		}
		hits.set(i)
	}
	return hits, nil
}

// skips tells that no event of the block is within the query's times.
func (m *matcher) skips(b *Block) bool {
	if m.since == unset && m.until == unset {
		return false
	}
	return b.sum.FirstMS == unset || m.since != unset && b.sum.LastMS < m.since ||
		m.until != unset && b.sum.FirstMS >= m.until
}

// linesVerdict is what the shapes of an event's lines tell of what any of them may
// say.
func (m *matcher) linesVerdict(b *Block, head int) verdict {
	crit, took := no, no
	for i, end := head, b.eventEnd(head); i < end; i++ {
		m.verdicts(b.shapes[i])
		s := m.list[b.shapes[i]]
		if s.critical {
			crit = yes
		} else if s.opaque {
			crit = max(crit, maybe)
		}
		if s.took || s.opaque {
			took = maybe
		}
	}
	if !m.q.Critical {
		crit = yes
	}
	if m.q.Took == 0 {
		took = yes
	}
	return min(crit, took)
}

// linesHold decides what linesVerdict left open.
func (m *matcher) linesHold(b *Block, head int) (bool, error) {
	crit, took := !m.q.Critical, m.q.Took == 0
	for i, end := head, b.eventEnd(head); i < end && !(crit && took); i++ {
		s := m.list[b.shapes[i]]
		if crit = crit || s.critical; !s.opaque && (took || !s.took) {
			continue
		}
		line, err := m.firstOf(b, i)
		if err != nil {
			return false, err
		}
		seen := visible(line, &m.vis)
		crit, took = crit || critical(seen), took || Took(seen) >= m.q.Took
	}
	return crit && took, nil
}

// firstOf is a line, of a giant its beginning.
func (m *matcher) firstOf(b *Block, i int) ([]byte, error) {
	off, end := b.lineAt(i)
	line, err := m.win.line(off, min(end, off+windowBytes))
	return trimCR(line), err
}

func (m *matcher) eventHolds(b *Block, i int) (bool, error) {
	if m.q.asksLines() {
		if ok, err := m.linesHold(b, i); !ok || err != nil || !m.asksHead() {
			return ok, err
		}
	}
	line, err := m.firstOf(b, i)
	if err != nil {
		return false, err
	}
	e, ms, _ := m.parser.parse(line)
	e.Source = m.source
	q := *m.q
	q.Critical, q.Took, q.Sources = false, 0, nil // the source was asked for by its own name
	if q.Since, q.Until = zeroTime, zeroTime; ms != unset {
		e.Time = m.q.Since
	}
	return q.MatchEvent(&e, nil), nil
}

// asksHead tells whether the head's text has to be understood.
func (m *matcher) asksHead() bool {
	return len(m.q.Fields) > 0 || len(m.q.Heads) > 0 || len(m.q.Contexts) > 0 || m.q.Levels != 0
}

func (m *matcher) lineMatches(b *Block, i int) (bool, error) {
	off, end := b.lineAt(i)
	if end-off > windowBytes {
		return m.q.matchGiant(m.win.r, off, end)
	}
	line, err := m.win.line(off, end)
	if err != nil {
		return false, err
	}
	return m.q.matchGroups(trimCR(line), &m.vis, m.left[b.shapes[i]]), nil
}

// window reads lines that lie close together with few reads.
type window struct {
	r   io.ReaderAt
	end int64
	off int64
	buf []byte
	n   int
}

func (w *window) reset(r io.ReaderAt, end int64) { w.r, w.end, w.n = r, end, 0 }

// line returns the text from off to end, good until the next call.
func (w *window) line(off, end int64) ([]byte, error) {
	if off < w.off || end > w.off+int64(w.n) {
		if w.buf == nil {
			w.buf = make([]byte, windowBytes)
		}
		n := max(end-off, min(windowBytes/2, w.end-off))
		if n > int64(len(w.buf)) {
			w.buf = make([]byte, n)
		}
		w.n = 0
		if err := readFull(w.r, w.buf[:n], off); err != nil {
			return nil, err
		}
		w.off, w.n = off, int(n)
	}
	return w.buf[off-w.off : end-w.off], nil
}
