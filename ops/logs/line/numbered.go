package line

import (
	"bytes"
	"strconv"

	"opsdeck/ops/logs"
)

// HashOfLevel is the hash of a shape for lines with this level.
func HashOfLevel(h uint64, l logs.Level) uint64 {
	if h = mix(h, uint64(l)+1); h == 0 {
		return 1
	}
	return h
}

// LevelOf reads the level of a line of this shape, whose level is a number.
func (s *Shape) LevelOf(line []byte, p *Parser) logs.Level {
	if s.Context == accessContext {
		if l, ok := accessLevel(line); ok {
			return l
		}
	}
	e, _, _ := p.ParseMS(line)
	return e.Level
}

// accessTime reads only the time of an access log line.
func (p *Parser) accessTime(line []byte) int64 {
	open := bytes.Index(line[:min(len(line), 256)], []byte(" ["))
	if open < 0 || open+2 >= len(line) {
		return Unset
	}
	ms, _ := p.AnyTime(line[open+2:])
	return ms
}

// accessLevel reads only the status of an access log line, after the bracketed time and
// the quoted request.
func accessLevel(line []byte) (l logs.Level, ok bool) {
	at := bytes.Index(line[:min(len(line), 320)], []byte(`] "`))
	if at < 0 {
		return l, false
	}
	rest := line[at+2:]
	end := closingQuote(rest)
	if end < 0 || end+5 > len(rest) || rest[end+1] != ' ' || len(rest) > end+5 && rest[end+5] != ' ' {
		return l, false
	}
	status, err := strconv.Atoi(string(rest[end+2 : end+5]))
	return statusLevel(status), err == nil && status >= 100
}
