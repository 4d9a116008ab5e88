// Package line reads one line of a log: its form, time, level, context and message.
//
// Lines that differ only in numbers, times and ids share a Shape, which is parsed once.
package line

import (
	"bytes"
	"strings"
	"time"

	"opsdeck/ops/logs"
)

// Kind is how a line relates to the lines around it.
type Kind uint8

// The kinds.
const (
	// KindHead starts an event.
	KindHead Kind = iota
	// KindPlain has no sign of its own. In a log with times a Flow tells whether it
	// continues the previous event; in a log without times it is an event.
	KindPlain
	// KindCont continues the previous event.
	KindCont
	// KindNext starts an event, unless the previous line opened one to which it belongs.
	KindNext
)

// Parser turns lines into events. It is not safe for concurrent use: each goroutine has
// its own.
type Parser struct {
	Stamps
	Seen Stamp // the last date that localeDate read
	Day  Stamp // of the lines of a text that have none, as its beginning says

	// Column means that every line of the text has a level first after its time, so that
	// a word in lower case there is a level too.
	Column bool

	// Turns remembers where the year turns in texts; parsers of one set of texts share it.
	Turns *Turns

	own    *time.Location // of times without a zone, if the style sets none
	style  *Style
	read   reading // how the last line was read
	inside bool    // a time was read before the current text
}

// NewParser returns a parser. Times without a zone are in zone; times without a year are
// before now.
func NewParser(zone *time.Location, now time.Time) *Parser {
	return &Parser{Stamps: Stamps{Zone: zone, Now: now}, Turns: &Turns{}, own: zone}
}

// Like makes the parser read lines as another one does.
func (p *Parser) Like(o *Parser) {
	p.DayFirst, p.YearDay, p.Column = o.DayFirst, o.YearDay, o.Column
	p.Wear(o.style)
}

// Parse reads one line, without its line break.
func (p *Parser) Parse(line []byte) (logs.Event, Kind) {
	e, ms, kind := p.ParseMS(line)
	if ms != Unset {
		e.Time = p.timeOf(ms)
	}
	return e, kind
}

func (p *Parser) timeOf(ms int64) time.Time { return time.UnixMilli(ms).In(p.own) }

// ParseMS is Parse with the time in ms, or Unset. A line without a time gets the time of
// its mark.
func (p *Parser) ParseMS(line []byte) (e logs.Event, ms int64, kind Kind) {
	stderr, marked, n := Mark(line)
	line = line[n:]
	raw := string(line)
	line = Visible(line, nil)
	p.read = reading{dateAt: -1}
	e, ms, kind = p.one(line)
	p.read.timed = ms != Unset || p.read.clocked
	e.Raw = raw
	if n > 0 {
		e.Fields = append(e.Fields, logs.Field{Key: "stream", Value: streamName(stderr), JSON: true})
		if ms == Unset {
			ms = marked
		}
	}
	return e, ms, kind
}

func (p *Parser) one(line []byte) (e logs.Event, ms int64, kind Kind) {
	line = withoutLead(line)
	if len(line) == 0 {
		return e, Unset, KindPlain
	}
	if p.style != nil {
		if e, ms, kind, done := p.configured(line); done {
			return e, ms, kind
		}
	}
	switch c := line[0]; {
	case c == '[':
		if e, ms, ok := heads(p).nest(line); ok {
			p.by(ReaderNest)
			return e, ms, KindHead
		}
	case c == '{':
		if e, ms, kind, ok := objects(p).json(string(line)); ok {
			p.by(ReaderJSON)
			return e, ms, kind
		}
		if e, ms, ok := objects(p).inspectedLine(line); ok {
			p.by(ReaderJSON)
			return e, ms, KindHead
		}
		return text(line), Unset, KindPlain
	case c == ' ' || c == '\t':
		if e, ok := laterInSecond(line); ok {
			return e, Unset, KindHead
		}
		if e, ok := consolaBadge(line); ok {
			return e, Unset, KindHead
		}
		if e, ok := nextConsole(p, line); ok {
			return e, Unset, KindHead
		}
		return text(line), Unset, KindCont
	}
	if e, ms, kind, ok := heads(p).cri(line); ok {
		p.by(ReaderContainer)
		return e, ms, kind
	}
	if e, ms, kind, ok := p.timed(line); ok {
		p.by(ReaderTime)
		return e, ms, kind
	}
	if e, ms, kind, ok := heads(p).head(line); ok {
		p.by(ReaderProgram)
		return e, ms, kind
	}
	if e, ms, ok := p.logfmt(string(line)); ok {
		p.by(ReaderLogfmt)
		return e, ms, KindHead
	}
	if e, ms, ok := lateTimes(p).late(line); ok {
		p.by(ReaderProgram)
		return e, ms, KindHead
	}
	return p.untimed(line)
}

// untimed reads a line without a time.
func (p *Parser) untimed(line []byte) (e logs.Event, ms int64, kind Kind) {
	if e, ok := logcat(line); ok {
		return e, Unset, KindHead
	}
	if e, ok := djangoRequest(line); ok {
		return e, Unset, KindHead
	}
	if e, ok := nodeConsole(line); ok {
		return e, Unset, KindHead
	}
	if l, rest, ok := leadingLevel(line); ok {
		e = text(line)
		e.Level, e.Format = l, logs.FormatText
		e.Context, e.Message = leadingContext(rest)
		p.uvicornAccess(&e)
		if line[0] != '[' && Letter(line[1]) && line[1] >= 'a' {
			p.read.small = line[0] >= 'a'
			return e, Unset, KindPlain // "Error: …" is usually the first line of a stack
		}
		return e, Unset, KindHead
	}
	e = text(line)
	switch {
	case IsCritical(line), ormFailure(line):
		e.Level = logs.LevelError
		return e, Unset, KindHead
	case continues(line):
		return e, Unset, KindCont
	case beginsError(line):
		e.Level = logs.LevelError
	}
	return e, Unset, KindPlain
}

// withoutLead removes what may precede the first line of a file: a byte order mark, the
// NULs left by copytruncate, and the erase sequence with which docker compose begins its
// lines.
func withoutLead(line []byte) []byte {
	line = bytes.TrimLeft(line, "\x00\u2400")
	line = bytes.TrimPrefix(line, []byte("\x1b[2K"))
	return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
}

func text(line []byte) logs.Event { return logs.Event{Message: string(line)} }

// continues recognises a line that belongs to the previous one without being indented:
// the end of a JSON, a cause, the head of a stack, what Node prints after an error or a
// warning.
func continues(line []byte) bool {
	switch line[0] {
	case '}', ']', ')':
		return true
	}
	for _, s := range continuing {
		if bytes.HasPrefix(line, []byte(s)) {
			return true
		}
	}
	if code, ok := bytes.CutPrefix(line, []byte("> ")); ok { // "> 12 | text", a line of code with its number
		return codeLine(code)
	}
	frame := bytes.TrimLeft(line, "0123456789") // "10: 0x10b7fb4 v8::…" of V8's native stacks
	return len(frame) < len(line) && bytes.HasPrefix(frame, []byte(": 0x"))
}

// codeLine recognises "12 | text".
func codeLine(code []byte) bool {
	rest := bytes.TrimLeft(code, "0123456789")
	return len(rest) < len(code) && bytes.HasPrefix(rest, []byte(" |"))
}

// continuing are the beginnings of such lines.
var continuing = [...]string{
	"Caused by:", "Require stack:", "- /", "at ", "... ", "Node.js v", "(Use `node --trace",
}

// readsOtherwise tells whether a line without a time would be read differently with
// other digits.
func (p *Parser) readsOtherwise(line []byte, kind Kind, level logs.Level) bool {
	if len(line) == 0 || nextDigit(line, 0) == len(line) {
		return false
	}
	other := bytes.Clone(line[:min(len(line), WindowBytes)])
	fillTimes(other)
	probe := *p // p keeps what it has learned
	probe.Learns = false
	e, ms, k := probe.ParseMS(other)
	return ms != Unset || k != kind || e.Level != level
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && line[i] == ' ' {
		i++
	}
	return i
}

// elapsed removes Nest's trailing " +3ms" from the message.
func elapsed(msg string, fields []logs.Field) (string, []logs.Field) {
	i := strings.LastIndex(msg, " +")
	if i < 0 || !strings.HasSuffix(msg, "ms") || len(msg) < i+5 {
		return msg, fields
	}
	for _, c := range []byte(msg[i+2 : len(msg)-2]) {
		if !Digit(c) {
			return msg, fields
		}
	}
	return msg[:i], append(fields, logs.Field{Key: "elapsed", Value: msg[i+1:]})
}

// leadingContext splits "[Context] text".
func leadingContext(b []byte) (context, message string) {
	b = bytes.TrimLeft(b, " ")
	if len(b) > 2 && b[0] == '[' {
		if end := bytes.IndexByte(b, ']'); end > 1 && bytes.IndexByte(b[:end], '"') < 0 && !beginsClock(b[1:end]) {
			return string(b[1:end]), string(bytes.TrimLeft(b[end+1:], " "))
		}
	}
	return "", string(b)
}

// beginsClock recognises "10:27:21.385", a time of day in the place of a context.
func beginsClock(b []byte) bool {
	return len(b) >= 8 && digits2(b) >= 0 && b[2] == ':' && digits2(b[3:]) >= 0 && b[5] == ':'
}

// leadingLevel finds a level at the beginning of b, as "ERROR text",
// "[error] text", "error: text" or "FATAL ERROR: text".
func leadingLevel(b []byte) (l logs.Level, rest []byte, ok bool) {
	if l, rest, ok = wideLevel(b); ok {
		return l, rest, true
	}
	i := 0
	bracket := len(b) > 0 && (b[0] == '[' || b[0] == '<')
	if bracket {
		for i++; i < len(b) && b[i] == ' '; i++ { // "[ info]"
		}
	}
	start := i
	for i < len(b) && i < start+12 && b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z' {
		i++
	}
	word := b[start:i]
	if len(word) < 3 {
		return 0, nil, false
	}
	l, ok = logs.LevelWords[string(word)]
	if !ok {
		if l, ok = logs.ParseLevel(string(word)); !ok || !bracket && (i >= len(b) || b[i] != ':') {
			return 0, nil, false
		}
	}
	switch {
	case bracket && (i >= len(b) || b[i] != ']' && b[i] != '>'):
		return 0, nil, false
	case bracket:
		i++
	case i < len(b) && bytes.IndexByte([]byte(" :|\t,;"), b[i]) < 0:
		return 0, nil, false
	}
	return l, afterLevel(b[i:]), true
}

// timed reads a time, also in brackets or with PM2's colon, and what follows: another
// format, or a level, a context and text. An indented text after a process manager's
// time continues the previous event.
func (p *Parser) timed(line []byte) (e logs.Event, ms int64, kind Kind, ok bool) {
	i := 0
	if line[0] == '[' && len(line) > 1 {
		i = 1
	}
	ms, n := p.AnyTime(line[i:])
	if n == 0 {
		return p.clockAlone(line)
	}
	ms, i = regional(p, line, ms, i+n)
	if line[0] == '[' {
		if e, ok = celery(line[i:]); ok {
			return e, ms, KindHead, true
		}
		if i >= len(line) || line[i] != ']' {
			return e, Unset, KindPlain, false
		}
		i++
	}
	if i < len(line) && (line[i] == ':' || containerTime(line[:i])) && stackLine(line[i+1:]) {
		return logs.Event{Message: string(line[i+1:])}, ms, KindCont, true
	}
	i += gluedZone(line[i:])
	rest := line[afterTime(line, i):]
	if e, ok = textBelow(line[:i], rest); ok {
		p.read.below = true
		return e, ms, KindHead, true
	}
	if e, ok = bodies(p).inner(rest); ok {
		p.read.inner = e.Format
	} else {
		e = bodies(p).body(rest)
	}
	if p.read.belongs {
		return e, ms, KindCont, true
	}
	return e, ms, KindHead, true
}

// gluedZone is the length of an unknown zone name right after a time: the clock is then
// read in the source's zone.
func gluedZone(b []byte) int {
	word := capitals(b, 0)
	if _, level := logs.LevelWords[string(word)]; level {
		return 0
	}
	if len(word) >= 3 && len(word) <= 5 && len(b) > len(word) && b[len(word)] == ' ' {
		return len(word)
	}
	return 0
}

// containerTime recognises a time as Docker writes it before a line: UTC with nine
// decimals of the second.
func containerTime(at []byte) bool {
	return len(at) == len("2026-01-29T12:00:00.123456789Z") && at[10] == 'T' && at[19] == '.' && at[29] == 'Z'
}

// stackLine recognises an indented line of a stack.
func stackLine(rest []byte) bool {
	text := bytes.TrimLeft(rest, " \t")
	return len(rest)-len(text) >= 3 && bytes.HasPrefix(text, []byte("at "))
}

// afterTime skips the separator between a time and the text.
func afterTime(line []byte, i int) int {
	for i < len(line) {
		switch c := line[i]; {
		case c == ':' || c == ' ' || c == '|' || c == '\t' || c == ',' || c == ';':
		case c == '-' && i+1 < len(line) && line[i+1] == ' ':
		default:
			return i
		}
		i++
	}
	return i
}

// body reads a level, a context and text.
func (r bodyReader) body(rest []byte) (e logs.Event) {
	if e, ok := r.program(rest); ok {
		return e
	}
	if tag, text, ok := syslogTag(rest); ok && bytes.IndexByte(rest[:len(rest)-len(text)], '[') > 0 {
		if e, ok := r.inner(text); ok && string(tag) != "haproxy" {
			return e
		}
		e = r.tagged(rest)
		e.Context = string(tag)
		return e
	}
	e.Format = logs.FormatText
	whole := rest
	e.Level, rest = r.levelAfterTime(rest)
	if context, message, ok := springBoot(rest); ok {
		e.Context, e.Message = context, message
		return e
	}
	e.Context, e.Message = leadingContext(rest)
	if e.Context == "" {
		e.Context, e.Message = log4jsCategory(whole, e.Message)
		r.p.uvicornAccess(&e)
		if e.Level == logs.LevelUnknown && beginsError(rest) {
			e.Level = logs.LevelError
		}
		return e
	}
	if l, after, ok := leadingLevel([]byte(e.Message)); ok && (e.Level == logs.LevelUnknown || e.Level == l) {
		e.Level = l
		e.Message = string(after)
		return e
	}
	if l, ok := logs.ParseLevel(strings.TrimRight(e.Context, " ")); ok {
		e.Level = l
		e.Context, e.Message = leadingContext([]byte(e.Message))
		e.Context = strings.TrimRight(e.Context, " ")
	} else if module, word, ok := strings.Cut(e.Context, ":"); ok && e.Level == logs.LevelUnknown {
		if l, ok := logs.ParseLevel(word); ok { // "[core:error]" of Apache 2.4
			e.Level, e.Context = l, module
		}
	}
	return e
}

// inner reads the text after a process manager's time; that time is the event's.
func (r bodyReader) inner(rest []byte) (e logs.Event, ok bool) {
	if len(rest) == 0 {
		return e, false
	}
	switch rest[0] {
	case '[':
		e, _, ok = heads(r.p).nest(rest)
	case '{':
		if e, _, _, ok = objects(r.p).json(string(rest)); !ok {
			e, _, ok = objects(r.p).inspectedLine(rest)
		}
	default:
		e, _, ok = r.p.logfmt(string(rest))
	}
	if !ok {
		e, ok = r.again(rest)
	}
	return e, ok
}
