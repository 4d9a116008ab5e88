package line

import (
	"time"

	"opsdeck/ops/logs"
)

// Reader identifies the code that read a line.
type Reader uint8

// The readers, in the order in which they are tried.
const (
	ReaderNone       Reader = iota // no time and no level was found
	ReaderConfigured               // a format of the configuration
	ReaderNest                     // [Nest] and similar formats
	ReaderJSON                     // one JSON object
	ReaderContainer                // a line of Kubernetes' container runtime
	ReaderTime                     // a time at the beginning
	ReaderProgram                  // the format of a known program
	ReaderLogfmt                   // key=value pairs
	ReaderLevel                    // a level at the beginning, and no time
	ReaderCont                     // it continues the previous event
)

// reading is how a line was read, and what its shape must know of it.
type reading struct {
	reader Reader
	name   string      // of a configured format
	inner  logs.Format // format of the text after a time, if it has its own

	doubt    logs.Level // the level of a first word that may begin a sentence
	dateAt   int        // where columns or a configured format read a date, or -1
	numbered bool       // the level is a number that shapes leave out
	zoned    bool       // the time is in a zone that a name in the line gives
	clocked  bool       // a time of day without a date
	timed    bool       // the text has a time, or a time of day
	session  bool       // a session of PostgreSQL wrote the line
	belongs  bool       // which adds to what it wrote before: DETAIL, STATEMENT
	below    bool       // what happened may be on the line below
	small    bool       // its level is its first word, in small letters: "error: …"
}

// by records the reader of a line. An inner reader was recorded before; it remains only
// if the outer one records nothing.
func (p *Parser) by(r Reader) { p.read.reader = r }

// Explained says how a line was read, and why.
type Explained struct {
	Reader   Reader
	Format   string      // the name of a configured format
	Inner    logs.Format // of the text after a leading time
	Event    logs.Event
	Kind     Kind
	Doubt    logs.Level // a first word that is a level in other texts but may begin a sentence here
	Numbered bool       // the level comes from a number
	Clocked  bool       // a time of day without a date
	Zoned    bool       // the time states its own zone, so the reader's is not used
}

// Elsewhere calls read as if the reader were in a zone five hours away.
func (p *Parser) Elsewhere(at time.Time, read func()) {
	zone := p.Zone
	_, offset := at.In(zone).Zone()
	p.setZone(time.FixedZone("", (offset+5*3600)%(12*3600)))
	read()
	p.setZone(zone)
}

// Explain reads a line and returns how it was read.
func (p *Parser) Explain(line []byte) Explained {
	e, kind := p.Parse(line)
	x := Explained{
		Reader:   p.read.reader,
		Format:   p.read.name,
		Inner:    p.read.inner,
		Event:    e,
		Kind:     kind,
		Doubt:    p.read.doubt,
		Numbered: p.read.numbered,
		Clocked:  p.read.clocked,
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
