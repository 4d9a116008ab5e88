package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// Times of day without a date. They begin an event, whose time stays unknown: a file can
// have rested for days between two lines, so neither its last write nor a clock that goes
// back tells the day.

// clockAlone reads a line that begins with a time of day: "12:00:00 INFO text",
// "[12:00:00.123] INFO text" of pino-pretty, "[12:00:00 INF] text" of Serilog and
// "10:30AM INF text" of zerolog.
func (p *Parser) clockAlone(line []byte) (e logs.Event, ms int64, kind Kind, ok bool) {
	sc := scanner{b: line}
	bracket := sc.take("[") != 0
	var t Stamp
	if !sc.clock(&t) {
		return e, Unset, KindPlain, false
	}
	if bytes.Count(line[:sc.i], []byte{':'}) < 2 {
		return kitchen(p, line, sc.i)
	}
	switch {
	case bracket && sc.take("]") == 0:
		e, ok = levelInClock(line, sc.i)
		p.read.clocked = ok
		return e, Unset, KindHead, ok
	case sc.i == len(line) || line[sc.i] != ' ':
		return e, Unset, KindPlain, false
	}
	p.read.clocked = true
	return bodies(p).body(line[afterTime(line, sc.i):]), p.onDay(t), KindHead, true
}

// levelInClock reads " INF] text" after the time of day in a bracket.
func levelInClock(line []byte, i int) (e logs.Event, ok bool) {
	end := bytes.IndexByte(line[:min(len(line), i+maxLevelWord)], ']')
	if end < i+2 || line[i] != ' ' {
		return e, false
	}
	level, ok := logs.ParseLevel(string(line[i+1 : end]))
	e = logs.Event{Format: logs.FormatText, Level: level}
	e.Context, e.Message = leadingContext(line[end+1:])
	return e, ok
}

// kitchen reads "10:30AM INF text", whose hours and minutes end at i.
func kitchen(p *Parser, line []byte, i int) (e logs.Event, ms int64, kind Kind, ok bool) {
	half := line[i:min(len(line), i+7)]
	if len(half) < 7 || half[0] != 'A' && half[0] != 'P' || half[1] != 'M' || half[2] != ' ' || half[6] != ' ' {
		return e, Unset, KindPlain, false
	}
	level, ok := logs.LevelWords[string(half[3:6])]
	e = logs.Event{Format: logs.FormatText, Level: level, Message: string(line[min(len(line), i+7):])}
	p.read.clocked = ok
	return e, Unset, KindHead, ok
}
