package index

import (
	"strings"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// Surround passes hits on with the lines around them, each line once: those that
// are hits as Scan.Event gives them, the others one by one, with what the event
// they belong to says of itself. Lines come in the order of the hits. Close
// passes on what the last hit still has coming.
type Surround struct {
	Scan          *Scan
	Parser        *logline.Parser
	Before, After int // lines
	Emit          func(e *logs.Event, hit bool) error

	last Hit
	low  int64 // what was passed on of last's text: from low
	high int64 // up to here
}

// Hit takes the next hit.
func (s *Surround) Hit(h *Hit) error {
	fresh := h.text != s.last.text
	if fresh {
		if err := s.Close(); err != nil {
			return err
		}
		s.low, s.high = h.text.size, 0
	}
	step := s.up
	if s.Scan.Newest {
		step = s.down
	}
	err := step(h, fresh)
	s.last = *h
	return err
}

// end is where the text of a hit ends, with its line break.
func (h *Hit) end() int64 {
	if h.Off == h.Head {
		return min(h.Last+1, h.text.size)
	}
	return min(h.End+1, h.text.size)
}

// up goes on to a hit further down the text, where the oldest come first.
func (s *Surround) up(h *Hit, fresh bool) error {
	if !fresh {
		if err := s.afterLast(h.Off); err != nil {
			return err
		}
	}
	from, err := linesBack(h.text.text, h.Off, s.Before)
	if err != nil {
		return err
	}
	if err := s.lines(h, max(from, s.high), h.Off); err != nil {
		return err
	}
	s.high = max(s.high, h.end())
	return s.hit(h)
}

// afterLast passes on the lines behind the last hit, up to the next.
func (s *Surround) afterLast(limit int64) error {
	to, err := s.behind(&s.last, max(s.high, s.last.end()))
	if err != nil {
		return err
	}
	to = min(to, limit)
	from := s.high
	s.high = max(s.high, to)
	return s.lines(&s.last, from, to)
}

// behind is where the lines behind a hit that ends at end are over.
func (s *Surround) behind(h *Hit, end int64) (int64, error) {
	to, err := linesOn(h.text.text, end-1, h.text.size, s.After)
	return min(to+1, h.text.size), err
}

// down goes on to a hit further up the text, where the newest come first.
func (s *Surround) down(h *Hit, fresh bool) error {
	if !fresh {
		if err := s.beforeLast(h.end()); err != nil {
			return err
		}
	}
	to, err := s.behind(h, h.end())
	if err != nil {
		return err
	}
	if err := s.lines(h, h.end(), min(to, s.low)); err != nil {
		return err
	}
	s.low = min(s.low, h.Off)
	return s.hit(h)
}

// beforeLast passes on the lines before the last hit, down to the next one's end.
func (s *Surround) beforeLast(limit int64) error {
	from, err := linesBack(s.last.text.text, s.last.Off, s.Before)
	if err != nil {
		return err
	}
	from = max(from, limit)
	to := s.low
	s.low = min(s.low, from)
	return s.lines(&s.last, from, to)
}

// Close passes on the lines that the last hit still has coming.
func (s *Surround) Close() error {
	switch {
	case s.last.text == nil:
		return nil
	case s.Scan.Newest:
		return s.beforeLast(0)
	}
	return s.afterLast(s.last.text.size)
}

func (s *Surround) hit(h *Hit) error {
	e, err := s.Scan.Event(s.Parser, h)
	if err != nil {
		return err
	}
	return s.Emit(&e, true)
}

// lines passes on the lines from off to end; their numbers are counted from the
// hit near them.
func (s *Surround) lines(h *Hit, off, end int64) error {
	if off >= end {
		return nil
	}
	raw, err := readMarked(h.text.text, off, end)
	if err != nil {
		return err
	}
	h.text.manner.Teach(s.Parser)
	s.Parser.Head(h.text.text)
	of, flow, err := s.eventAt(h.text, off)
	if err != nil {
		return err
	}
	number, err := lineNumber(h, off)
	if err != nil {
		return err
	}
	var out []logs.Event
	for line := range strings.SplitSeq(strings.TrimSuffix(raw, "\n"), "\n") {
		e, begins := s.read(line, h.text.manner.Plain, &flow)
		if begins {
			of = e
		} else {
			e.Cont = true
			e.Time = of.Time
			e.Level = of.Level
			e.Context = of.Context
		}
		e.Source, e.Line = h.Source, number
		number++
		out = append(out, e)
	}
	return s.emit(out)
}

// read reads one line and tells whether it begins an event.
func (s *Surround) read(line string, plain bool, flow *logline.Flow) (e logs.Event, begins bool) {
	e, kind := s.Parser.Parse([]byte(line))
	return e, flow.BeginsRead(s.Parser, &e, kind, []byte(line), plain)
}

// emit passes lines on, the newest first where hits come so.
func (s *Surround) emit(lines []logs.Event) error {
	for i := range lines {
		if s.Scan.Newest {
			i = len(lines) - 1 - i
		}
		if err := s.Emit(&lines[i], false); err != nil {
			return err
		}
	}
	return nil
}

// lineNumber is the number of the line at off, counted from the hit's.
func lineNumber(h *Hit, off int64) (int64, error) {
	n, err := countBreaks(h.text.text, min(off, h.Off), max(off, h.Off))
	if off < h.Off {
		n = -n
	}
	return h.Line + n, err
}

// headBack is how far an event's head is looked for before a line.
const headBack = 64 << 10

// eventAt is what the event says of itself that goes on at off, and the flow up to there.
func (s *Surround) eventAt(p *openPart, off int64) (of logs.Event, flow logline.Flow, err error) {
	from := max(0, off-headBack)
	raw, err := readMarked(p.text, from, off)
	if err != nil || raw == "" {
		return of, flow, err
	}
	lines := strings.Split(strings.TrimSuffix(raw, "\n"), "\n")
	at := len(lines) - 1
	for ; at > 0; at-- {
		if e, kind := s.Parser.Parse([]byte(lines[at])); kind == logline.KindHead && !e.Time.IsZero() {
			break
		}
	}
	if at == 0 && from > 0 {
		return of, flow, nil
	}
	for i, line := range lines[at:] {
		if e, begins := s.read(line, p.manner.Plain, &flow); begins || at+i == 0 {
			of = e
		}
	}
	return of, flow, nil
}
