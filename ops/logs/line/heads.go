package line

import (
	"bytes"
	"strconv"

	"opsdeck/ops/logs"
)

// Lines whose time is not at the beginning: of Redis, syslog with a priority, klog and
// glog, access logs, and lines with a prefix of PM2 or Docker Compose.

// head reads such a line.
func (r headReader) head(line []byte) (e logs.Event, ms int64, kind Kind, ok bool) {
	if e, ok = ofRuntime(line); ok {
		return e, Unset, KindHead, true
	}
	switch c := line[0]; {
	case c == '<':
		e, ms, ok = r.priority(line)
	case c == '[':
		if e, ms, ok = tornado(r.p, line); !ok {
			e, ms, ok = signaleDated(r.p, line)
		}
	case c == 'S':
		e, ms, ok = railsStarted(r.p, line)
	case c == '#':
		if e, ms, kind, ok = r.slowHead(line); ok {
			return e, ms, kind, true
		}
	case Digit(c):
		e, ms, ok = r.redis(line)
	case letterLevels[c] != logs.LevelUnknown && len(line) > 5 && Digit(line[1]):
		e, ms, ok = r.klog(line)
	case c == 'n':
		if e, ok = npm(line); !ok && nodeFailure(line) {
			return logs.Event{Level: logs.LevelError, Message: string(line)}, Unset, KindHead, true
		}
		ms = Unset
	case nodeFailure(line):
		return logs.Event{Level: logs.LevelError, Message: string(line)}, Unset, KindHead, true
	}
	if ok {
		return e, ms, KindHead, true
	}
	if e, ms, ok = r.access(line); ok {
		return e, ms, KindHead, true
	}
	return r.prefixed(line)
}

// redis reads "1:M 29 Jan 2026 12:00:00.123 # text": process, role, time, and one of . -
// * # for the level, as Redis' serverLogRaw prints them.
func (r headReader) redis(line []byte) (e logs.Event, ms int64, ok bool) {
	i := 0
	for i < len(line) && Digit(line[i]) {
		i++
	}
	if i+4 > len(line) || line[i] != ':' || bytes.IndexByte([]byte("XCSM"), line[i+1]) < 0 || line[i+2] != ' ' {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(line[i+3:])
	end := i + 3 + n
	if n == 0 || end+2 > len(line) || line[end] != ' ' {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Fields: []logs.Field{{Key: "pid", Value: string(line[:i])}}}
	if e.Level, ok = redisMark(line[end+1]); !ok {
		return e, Unset, false
	}
	e.Message = string(bytes.TrimLeft(line[end+2:], " "))
	return e, ms, true
}

// syslogLevels are the levels of syslog's severities, 0 to 7 (RFC 5424, 6.2.1).
var syslogLevels = [8]logs.Level{
	logs.LevelFatal, logs.LevelFatal, logs.LevelFatal, logs.LevelError, logs.LevelWarn, logs.LevelInfo,
	logs.LevelInfo, logs.LevelDebug,
}

// priority reads "<34>Oct 11 22:14:15 host su: text" (RFC 3164) and "<165>1
// 2003-10-11T22:14:15.003Z host app 1 ID [data] text" (RFC 5424).
func (r headReader) priority(line []byte) (e logs.Event, ms int64, ok bool) {
	end := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 {
		return e, Unset, false
	}
	priority, err := strconv.Atoi(string(line[1:end]))
	if err != nil || priority > 191 {
		return e, Unset, false
	}
	rest := line[end+1:]
	version := len(rest) > 2 && Digit(rest[0]) && rest[1] == ' '
	if version {
		rest = rest[2:]
	}
	if len(rest) == 0 {
		return e, Unset, false
	}
	ms, n := r.p.AnyTime(rest)
	if n == 0 {
		return e, Unset, false
	}
	text := bytes.TrimLeft(rest[n:], " ")
	if version {
		if e = structured(text); e.Context == "haproxy" {
			bodies(r.p).haproxy(&e, []byte(e.Message))
		}
	} else {
		e = bodies(r.p).tagged(text)
	}
	if e.Level == logs.LevelUnknown {
		e.Level, r.p.read.numbered = syslogLevels[priority&7], true
	}
	return e, ms, true
}

// structured reads the text after the time in RFC 5424: host, application, process,
// message id, data, text.
func structured(text []byte) logs.Event {
	e := logs.Event{Format: logs.FormatText}
	words := bytes.SplitN(text, []byte{' '}, 5)
	if len(words) < 5 {
		e.Message = string(text)
		return e
	}
	e.Context = string(words[1])
	rest := words[4]
	if bytes.HasPrefix(rest, []byte("- ")) {
		rest = rest[2:]
	}
	for len(rest) > 0 && rest[0] == '[' {
		end := bytes.IndexByte(rest, ']')
		if end < 0 {
			break
		}
		rest = bytes.TrimLeft(rest[end+1:], " ")
	}
	e.Message = string(bytes.TrimPrefix(rest, []byte("\xef\xbb\xbf")))
	return e
}

// tagged reads the text after the time in a syslog line: "host tag[pid]: text".
func (r bodyReader) tagged(text []byte) logs.Event {
	tag, rest, ok := syslogTag(text)
	if !ok {
		return logs.Event{Format: logs.FormatText, Message: string(text)}
	}
	if e, ok := r.inner(rest); ok && string(tag) != "haproxy" {
		return e
	}
	e := logs.Event{Format: logs.FormatText, Context: string(tag), Message: string(rest)}
	e.Fields = tagPid(text[:len(text)-len(rest)])
	if len(rest) > 0 {
		if _, n := r.p.AnyTime(rest); n > 0 {
			rest = bytes.TrimLeft(rest[n:], " ")
		}
		e.Level, _ = r.levelAfterTime(rest)
	}
	if string(tag) == "haproxy" {
		r.haproxy(&e, rest)
	}
	return e
}

// syslogTag splits off "host tag[pid]: "; the host may be missing.
func syslogTag(text []byte) (tag, rest []byte, ok bool) {
	for range 2 {
		n := bytes.IndexByte(text, ' ')
		if n < 1 {
			return nil, nil, false
		}
		word := text[:n]
		text = bytes.TrimLeft(text[n:], " ")
		if name, isTag := bytes.CutSuffix(word, []byte{':'}); isTag && headWord(word) {
			if at := bytes.IndexByte(name, '['); at > 0 {
				name = name[:at]
			}
			return name, text, true
		}
	}
	return nil, nil, false
}

// tagPid is the process id of "host tag[12]: ", if there is one.
func tagPid(head []byte) []logs.Field {
	open := bytes.LastIndexByte(head, '[') + 1
	n := digitsAt(head, open)
	if open == 0 || n == 0 || !bytes.HasPrefix(head[open+n:], []byte("]:")) {
		return nil
	}
	return []logs.Field{{Key: "pid", Value: string(head[open : open+n])}}
}

// klog reads "E0129 12:00:00.123456    1234 file.go:123] text", the format of glog and
// Kubernetes' klog; glog can write the year too, "E20260129 12:00:00.123456".
func (r headReader) klog(line []byte) (e logs.Event, ms int64, ok bool) {
	if len(line) < 20 || digits4(line[1:]) < 0 {
		return e, Unset, false
	}
	t := Stamp{month: digits2(line[1:]), day: digits2(line[3:])}
	sc := scanner{b: line, i: 6}
	switch {
	case line[5] == ' ':
	case line[9] == ' ' && digits4(line[5:]) >= 0: // --log_year_in_prefix
		t = Stamp{Year: digits4(line[1:]), month: digits2(line[5:]), day: digits2(line[7:])}
		sc.i = 10
	default:
		return e, Unset, false
	}
	if !sc.clock(&t) || t.ms == 0 && line[sc.i-1] == ':' {
		return e, Unset, false
	}
	end := bytes.IndexByte(line[:min(len(line), 256)], ']')
	if end < 0 {
		return e, Unset, false
	}
	e = logs.Event{Format: logs.FormatText, Level: letterLevels[line[0]]}
	words := bytes.Fields(line[sc.i:end])
	if len(words) > 0 {
		e.Context = string(words[len(words)-1])
	}
	e.Message = string(bytes.TrimLeft(line[end+1:], " "))
	if t.Year > 0 {
		return e, r.p.Millis(&t), true
	}
	return e, r.p.yearlessMillis(t), true
}

// yearlessMillis is the time, in ms, of a date without a year.
func (s *Stamps) yearlessMillis(t Stamp) int64 {
	t = s.withYear(t)
	return s.Millis(&t)
}

// nodeFailure recognises the first line that Node prints when an uncaught error ends a
// script, or a module is missing: the place of the error.
func nodeFailure(line []byte) bool {
	for _, s := range [...]string{"node:internal/", "Error: Cannot find module ", "Uncaught "} {
		if bytes.HasPrefix(line, []byte(s)) {
			return true
		}
	}
	if line[0] != '/' && !bytes.HasPrefix(line, []byte("file:///")) {
		return false
	}
	at := bytes.LastIndexByte(line, ':')
	if at < 4 || at == len(line)-1 || !allDigits(line[at+1:]) || bytes.IndexByte(line, ' ') >= 0 {
		return false
	}
	for _, ext := range [...]string{".js", ".ts", ".mjs", ".cjs"} {
		if bytes.HasSuffix(line[:at], []byte(ext)) {
			return true
		}
	}
	return false
}

// prefixed reads a line after the prefix of "pm2 logs" ("0|server   | ") or "docker
// compose logs" ("api-1  | ").
func (r headReader) prefixed(line []byte) (e logs.Event, ms int64, kind Kind, ok bool) {
	bar := bytes.Index(line[:min(len(line), 64)], []byte(" | "))
	if bar < 1 {
		return e, Unset, KindPlain, false
	}
	name := bytes.TrimRight(line[:bar], " ")
	if id, rest, isPM2 := bytes.Cut(name, []byte{'|'}); isPM2 && allDigits(id) {
		name = rest
	}
	if len(name) == 0 || bytes.ContainsAny(name, " \t\"'{}()[]=,;:<>|") {
		return e, Unset, KindPlain, false
	}
	if _, level := logs.LevelWords[string(name)]; level {
		return e, Unset, KindPlain, false // "INFO   | jvm 1    | …" of Java Service Wrapper
	}
	rest := line[bar+3:]
	if _, again := prefixOf(rest); again && !bytes.HasPrefix(rest, []byte("[GIN] ")) {
		if _, n := r.p.AnyTime(rest); n == 0 {
			return e, Unset, KindPlain, false
		}
	}
	e, ms, kind = r.p.one(rest)
	if e.Format == logs.FormatUnknown && kind == KindPlain {
		e.Message = string(rest)
	}
	e.Fields = append(e.Fields, logs.Field{Key: "process", Value: string(name)})
	return e, ms, kind, true
}

// prefixOf tells whether a line has such a prefix; only one is read.
func prefixOf(line []byte) (n int, ok bool) {
	n = bytes.Index(line[:min(len(line), 64)], []byte(" | "))
	return n, n > 0
}
