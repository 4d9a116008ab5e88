package store

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// Live makes events of one log's lines as they come, and picks those that match
// a query. It is safe for concurrent use.
type Live struct {
	Query  *query.Query
	Source string
	// Emit is called for each hit: with each true once for every line that
	// matches, else once for every event that has one.
	Emit func(logs.Event)
	Each bool

	mu     sync.Mutex
	parser *logline.Parser
	line   int64
	timed  bool
	flow   logline.Flow
	record string // the first line of a record whose last did not come yet
	lines  []string
	last   time.Time
	came   time.Time
	buf    []byte
	half   []byte
	held   int64 // bytes of the text that lines hold
}

// NewLive makes one for the lines behind line number line.
func NewLive(q *query.Query, source string, line int64, p *logline.Parser, emit func(logs.Event)) *Live {
	return &Live{Query: q, Source: source, Emit: emit, parser: p, line: line}
}

// Read takes the lines of a text from off to end. It reads a piece, asks same,
// which may be nil, whether that was good, and only then takes its lines. It
// returns how far it came.
func (l *Live) Read(r io.ReaderAt, off, end int64, same func() bool) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.came.IsZero() { // a time without a year lies before the present one
		l.parser.Now = l.parser.Now.Add(now.Sub(l.came))
	}
	l.came = now
	for off < end {
		n := int(min(end-off, livePiece))
		if len(l.buf) < n {
			l.buf = make([]byte, n)
		}
		piece := l.buf[:n]
		err := logline.ReadFull(r, piece, off)
		if same != nil && !same() {
			return off, nil
		}
		if err != nil {
			return off, err
		}
		off += int64(n)
		l.pieces(piece, off == end)
	}
	return off, nil
}

// livePiece is how much is read at a time.
const livePiece = 1 << 20

// pieces takes the lines of a piece; the half line at its end, unless the piece
// is the last, waits for the next.
func (l *Live) pieces(piece []byte, last bool) {
	for len(piece) > 0 {
		i := bytes.IndexByte(piece, '\n')
		broken := int64(1)
		if i < 0 {
			broken = 0
			if l.half = append(l.half, piece...); !last {
				return
			}
			i, piece = 0, piece[:0]
		} else {
			l.half = append(l.half, piece[:i]...)
			piece = piece[i+1:]
		}
		l.take(string(logline.TrimCR(l.half)), int64(len(l.half))+broken)
		l.half = l.half[:0]
	}
}

// heldLines bounds an event's lines that are waited for.
const heldLines = 2000

// take takes a line, which takes up n bytes of the text.
func (l *Live) take(line string, n int64) {
	text := []byte(line)
	_, _, mark := logline.Mark(text)
	e, ms, kind := l.parser.ParseMS(text[mark:]) // the text's own time
	head := l.flow.BeginsRead(l.parser, &e, kind, text, !l.timed)
	if l.record != "" && !(head && ms != logline.Unset) && len(l.lines) < heldLines {
		if l.lines = append(l.lines, line); logline.EndsRecord(l.record, e.Message) {
			l.endRecord()
		}
		l.held += n
		return
	}
	l.record = ""
	if kind == logline.KindPlain && logline.OpensRecord([]byte(e.Message)) {
		head, l.record = true, e.Message
	}
	l.timed = l.timed || kind == logline.KindHead && ms != logline.Unset
	if len(l.lines) > 0 && (head || len(l.lines) >= heldLines) {
		l.flush()
	}
	l.lines = append(l.lines, line)
	l.held += n
}

// endRecord takes note that the last line came of what may be a record.
func (l *Live) endRecord() {
	l.record = ""
	if _, _, _, ok := l.parser.Record(logline.Unmarked(strings.Join(l.lines, "\n")) + "\n"); ok {
		l.flow = logline.FlowAfterWhole
	}
}

// Held is how many bytes of the text were read of which nothing was passed on yet: an
// event that waits for further lines, half a line.
func (l *Live) Held() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held + int64(len(l.half))
}

// Holds tells whether an event waits for further lines.
func (l *Live) Holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines) > 0
}

// Quiet passes an event on that nothing more came for since a while.
func (l *Live) Quiet(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) > 0 && time.Since(l.came) >= after {
		l.flush()
	}
}

// flush ends the event.
func (l *Live) flush() {
	lines := l.lines
	l.lines = nil
	l.held = 0
	e, _ := l.parser.Parse([]byte(lines[0]))
	e.Raw = logline.Unmarked(strings.Join(lines, "\n"))
	l.parser.Whole(&e)
	own := e.Time
	if own.IsZero() { // it lies in a span as the one before does
		e.Time = l.last
	}
	l.last = e.Time
	e.Source = l.Source
	e.Line = l.line + 1
	first := l.line
	l.line += int64(len(lines))
	var all []byte
	if l.Query.AsksLines() {
		all = logline.Visible([]byte(e.Raw), nil)
	}
	if !l.Query.MatchEvent(&e, all) {
		return
	}
	if e.Time = own; !l.Query.HasText() {
		l.Emit(e)
		return
	}
	for i, line := range lines {
		if !l.Query.MatchLine(string(logline.Visible([]byte(line), nil))) {
			continue
		}
		if i == 0 || !l.Each {
			l.Emit(e)
		} else {
			c, _ := l.parser.Parse([]byte(line))
			c.Time = e.Time
			c.Level = e.Level
			c.Context = e.Context
			c.Source = e.Source
			c.Raw = logline.Unmarked(line)
			c.Line = first + int64(i) + 1
			c.Cont = true
			l.Emit(c)
		}
		if !l.Each {
			return
		}
	}
}
