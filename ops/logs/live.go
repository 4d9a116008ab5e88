package logs

import (
	"io"
	"strings"
	"sync"
	"time"
)

// Live makes events of one log's lines as they come, and picks those that match
// a query. It is safe for concurrent use.
type Live struct {
	Query  *Query
	Source string
	// Emit is called for each hit: with each true once for every line that
	// matches, else once for every event that has one.
	Emit func(Event)
	Each bool

	mu     sync.Mutex
	parser *Parser
	line   int64
	timed  bool
	lines  []string
	last   time.Time
	came   time.Time
	buf    []byte
}

// NewLive makes one for the lines behind line number line.
func NewLive(q *Query, source string, line int64, p *Parser, emit func(Event)) *Live {
	return &Live{Query: q, Source: source, Emit: emit, parser: p, line: line, buf: make([]byte, 64<<10)}
}

// Read takes the lines of a text from off to end.
func (l *Live) Read(r io.ReaderAt, off, end int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.came = time.Now()
	return eachLine(r, off, end, l.buf, func(line []byte, _, _ int64, _ bool) error {
		l.take(string(trimCR(line)))
		return nil
	})
}

// heldLines bounds an event's lines that are waited for.
const heldLines = 2000

func (l *Live) take(line string) {
	_, ms, kind := l.parser.parse([]byte(line))
	l.timed = l.timed || kind == KindHead && ms != unset
	if len(l.lines) > 0 && (kind == KindHead || kind == KindPlain && !l.timed || len(l.lines) >= heldLines) {
		l.flush()
	}
	l.lines = append(l.lines, line)
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
	e, _ := l.parser.Parse([]byte(lines[0]))
	if e.Time.IsZero() {
		e.Time = l.last
	}
	l.last = e.Time
	e.Source, e.Line, e.Raw = l.Source, l.line+1, strings.Join(lines, "\n")
	first := l.line
	l.line += int64(len(lines))
	if !l.Query.MatchEvent(&e, Visible([]byte(lines[0]), nil)) {
		return
	}
	if !l.Query.HasText() {
		l.Emit(e)
		return
	}
	for i, line := range lines {
		if !l.Query.MatchLine(string(Visible([]byte(line), nil))) {
			continue
		}
		if i == 0 || !l.Each {
			l.Emit(e)
		} else {
			c := Event{Time: e.Time, Level: e.Level, Context: e.Context, Source: e.Source, Message: line, Raw: line, Line: first + int64(i) + 1, Cont: true}
			l.Emit(c)
		}
		if !l.Each {
			return
		}
	}
}
