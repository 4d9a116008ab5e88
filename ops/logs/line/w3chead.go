package line

import (
	"bytes"
	"io"
	"time"
)

// The W3C extended format (www.w3.org/TR/WD-logfile) begins a file with lines that begin with
// #. Its fields date and time are in UTC, those of the names with -local are not; the logs of
// IIS 4 have a time in each line and the day in #Date alone.

// w3cBytes of a text are looked at for such a beginning.
const w3cBytes = 2 << 10

// Head has the parser read times as the beginning of a text says. A zone that the
// configuration gives is kept.
func (p *Parser) Head(text io.ReaderAt) {
	p.head = nil
	zone := p.own
	if p.style != nil && p.style.Zone != nil {
		zone = p.style.Zone
	}
	p.Day = Stamp{}
	if head, ok := w3cHead(text); ok && (p.style == nil || p.style.Zone == nil) {
		zone = p.w3cZone(head, zone)
	}
	p.setZone(zone)
}

// askHead looks at the beginning of the text, once.
func (s *Stamps) askHead() {
	if look := s.head; look != nil {
		s.head = nil
		look()
	}
}

// DayOnly has the parser give lines of a time of day alone a time; with is false for texts that
// do not tell the day. It says nothing about the text yet.
func (p *Parser) DayOnly(with bool) {
	p.head, p.Day = nil, Stamp{}
	if with {
		p.Day = Stamp{Year: 2000, month: 1, day: 1}
	}
}

// w3cHead is the beginning of a text in that format.
func w3cHead(text io.ReaderAt) (head []byte, ok bool) {
	if packed, ok := text.(interface{ Packed() bool }); ok && packed.Packed() {
		return nil, false // all times of such a text are kept
	}
	var first [1]byte
	if n, _ := text.ReadAt(first[:], 0); n == 0 || first[0] != '#' {
		return nil, false
	}
	head = make([]byte, w3cBytes)
	n, _ := text.ReadAt(head, 0)
	return head[:n], bytes.Contains(head[:n], []byte("#Fields:"))
}

// w3cZone is the zone of the times of a text with that beginning, and notes the day of a text
// whose lines have none.
func (p *Parser) w3cZone(head []byte, zone *time.Location) *time.Location {
	fields := map[string]bool{}
	for _, name := range bytes.Fields(w3cDirective(head, "#Fields:")) {
		fields[string(name)] = true
	}
	if !fields["time"] {
		return zone
	}
	if !fields["date"] {
		t := Stamp{}
		if iso(append(bytes.TrimSpace(w3cDirective(head, "#Date:")), ' '), &t) > 0 {
			p.Day = t
		}
	}
	if offset := bytes.TrimSpace(w3cDirective(head, "#GMT-Offset:")); len(offset) > 0 { // of Oracle's cache
		if at, err := time.Parse("-0700", string(offset)); err == nil {
			return at.Location()
		}
	}
	return time.UTC
}

// w3cDirective is what a line of the beginning says after its name.
func w3cDirective(head []byte, name string) []byte {
	at := bytes.Index(head, []byte(name))
	if at < 0 || at > 0 && head[at-1] != '\n' {
		return nil
	}
	line, _, _ := bytes.Cut(head[at+len(name):], []byte{'\n'})
	return TrimCR(line)
}

// onDay is the time of a time of day in a text whose beginning tells the day; else unset.
func (p *Parser) onDay(t Stamp) int64 {
	if p.Day.Year == 0 {
		return Unset
	}
	p.askHead()
	t.Year, t.month, t.day = p.Day.Year, p.Day.month, p.Day.day
	return p.Millis(&t)
}
