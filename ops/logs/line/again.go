package line

import (
	"bytes"

	"opsdeck/ops/logs"
)

// again reads a program's own time and format after the time that Docker, Kubernetes,
// PM2 or a collector added: the level of Redis, nginx, MySQL or winston is there. A text
// with a second time but no level stays unchanged.
func (r bodyReader) again(rest []byte) (e logs.Event, ok bool) {
	if r.p.inside {
		return e, false
	}
	r.p.inside = true
	defer func() { r.p.inside = false }()
	if e, ok = r.secondTime(rest); ok {
		return e, true
	}
	return r.innerHead(rest)
}

// secondTime reads a line that begins with a time and has a level.
func (r bodyReader) secondTime(rest []byte) (e logs.Event, ok bool) {
	from := 0
	if rest[0] == '[' && len(rest) > 1 {
		from = 1
	}
	_, n := r.p.AnyTime(rest[from:])
	if bytes.Count(rest[from:from+n], []byte{':'}) < 2 && n > 0 {
		return e, false // a number that could be a time
	}
	e, _, kind, ok := r.p.timed(rest)
	return e, ok && kind == KindHead && e.Level != logs.LevelUnknown
}

// innerHead reads the formats of heads.go that can follow a time.
func (r bodyReader) innerHead(rest []byte) (e logs.Event, ok bool) {
	if e, ok = ofRuntime(rest); ok {
		return e, true
	}
	if e, _, ok = gin(r.p, rest); ok {
		return e, true
	}
	switch c := rest[0]; {
	case c == '<':
		e, _, ok = heads(r.p).priority(rest)
	case Digit(c):
		e, _, ok = heads(r.p).redis(rest)
	case letterLevels[c] != logs.LevelUnknown && len(rest) > 5 && Digit(rest[1]):
		e, _, ok = heads(r.p).klog(rest)
	case nodeFailure(rest):
		return logs.Event{Format: logs.FormatText, Level: logs.LevelError, Message: string(rest)}, true
	}
	if !ok {
		e, _, ok = heads(r.p).access(rest)
	}
	if !ok {
		e, ok = webConsole(r.p, rest)
	}
	return e, ok
}
