package line

import (
	"time"

	"opsdeck/ops/logs"
)

// Reader is what read a line.
type Reader uint8

// The readers, in the order in which they are tried.
const (
	ReaderNone       Reader = iota // no time and no level was found
	ReaderConfigured               // a format of the configuration
	ReaderNest                     // [Nest] and its kin
	ReaderJSON                     // one JSON object
	ReaderContainer                // a line of Kubernetes' container runtime
	ReaderTime                     // a time at the beginning
	ReaderProgram                  // the form of a known program
	ReaderLogfmt                   // key=value pairs
	ReaderLevel                    // a level at the beginning, and no time
	ReaderCont                     // it continues the event before
)

// reading is how a line was read.
type reading struct {
	reader Reader
	name   string      // of a configured format
	inner  logs.Format // of what followed a time, where that has a form of its own
}

// by notes the reader of a line; one inside of another was noted before, and stays only
// where the outer one says nothing of itself.
func (p *Parser) by(r Reader) { p.read.reader = r }

// Explained is how a line was read, and why.
type Explained struct {
	Reader   Reader
	Format   string      // the name of a configured format
	Inner    logs.Format // of what follows a time in front
	Event    logs.Event
	Kind     Kind
	Doubt    logs.Level // a first word that is a level in other texts and may begin a sentence here
	Numbered bool       // the level comes from a number
	Zoned    bool       // the time does not go by the reader's zone: it says its own
}

// Elsewhere has read done as if the reader were in a zone that is five hours off.
func (p *Parser) Elsewhere(at time.Time, read func()) {
	zone := p.Zone
	_, offset := at.In(zone).Zone()
	p.setZone(time.FixedZone("", (offset+5*3600)%(12*3600)))
	read()
	p.setZone(zone)
}

// Explain reads a line and tells how.
func (p *Parser) Explain(line []byte) Explained {
	e, kind := p.Parse(line)
	x := Explained{
		Reader:   p.read.reader,
		Format:   p.read.name,
		Inner:    p.read.inner,
		Event:    e,
		Kind:     kind,
		Doubt:    p.doubt,
		Numbered: p.numbered,
	}
	if !e.Time.IsZero() {
		p.Elsewhere(e.Time, func() {
			other, _ := p.Parse(line)
			x.Zoned = other.Time.Equal(e.Time)
		})
	}
	switch {
	case x.Reader != ReaderNone:
	case kind == KindCont:
		x.Reader = ReaderCont
	case e.Level != logs.LevelUnknown:
		x.Reader = ReaderLevel
	}
	return x
}
