package logs

import (
	"bytes"
	"io"
	"strings"
	"time"
)

// Kind is what a line is to the lines around it.
type Kind uint8

// The kinds.
const (
	// KindHead starts an event.
	KindHead Kind = iota
	// KindPlain says nothing of itself. Where lines have times it continues the
	// event before; where they have none it is an event of its own.
	KindPlain
	// KindCont continues the event before.
	KindCont
)

// Parser turns lines into events. It is not safe for concurrent use; each
// goroutine has its own.
type Parser struct {
	stamps
}

// NewParser makes a parser. Times that say no zone are in zone; times that say
// no year lie before now.
func NewParser(zone *time.Location, now time.Time) *Parser {
	return &Parser{stamps{zone: zone, now: now}}
}

// Learn has the parser read dates in the order that a text tells, as far as it
// does, and from then on in that of the last date that can only be so: for lines
// that are followed. told is false when the text is empty or has dates that can be read
// both ways and nothing that tells how.
func (p *Parser) Learn(r io.ReaderAt, size int64) (told bool) {
	p.learns = false
	m := looksLike(newBuilder(NewShapes(), p, false), r, size, unknownManner)
	if p.learns = true; m.sure {
		p.dayFirst = m.dayFirst
	}
	return !m.open && size > 0
}

// Like has the parser read dates in the order of another.
func (p *Parser) Like(o *Parser) { p.dayFirst = o.dayFirst }

// Parse reads one line, without its line break.
func (p *Parser) Parse(line []byte) (Event, Kind) {
	e, ms, kind := p.parse(line)
	if ms != unset {
		e.Time = time.UnixMilli(ms).In(p.zone)
	}
	return e, kind
}

// parse is Parse with the time in ms, or unset. A line that says no time has that
// of its mark.
func (p *Parser) parse(line []byte) (e Event, ms int64, kind Kind) {
	stderr, marked, n := mark(line)
	line = line[n:]
	raw := string(line)
	line = Visible(line, nil)
	e, ms, kind = p.one(line)
	e.Raw = raw
	if n > 0 {
		e.Fields = append(e.Fields, Field{Key: "stream", Value: streamName(stderr), JSON: true})
		if ms == unset {
			ms = marked
		}
	}
	return e, ms, kind
}

func (p *Parser) one(line []byte) (e Event, ms int64, kind Kind) {
	if len(line) == 0 {
		return e, unset, KindPlain
	}
	switch c := line[0]; {
	case c == '[':
		if e, ms, ok := p.nest(line); ok {
			return e, ms, KindHead
		}
	case c == '{':
		if e, ms, kind, ok := p.json(string(line)); ok {
			return e, ms, kind
		}
		return text(line), unset, KindPlain
	case c == ' ' || c == '\t':
		return text(line), unset, KindCont
	}
	if e, ms, kind, ok := p.cri(line); ok {
		return e, ms, kind
	}
	if e, ms, ok := p.timed(line); ok {
		return e, ms, KindHead
	}
	if e, ms, ok := p.logfmt(string(line)); ok {
		return e, ms, KindHead
	}
	if l, rest, ok := leadingLevel(line); ok {
		e = text(line)
		e.Level, e.Format = l, FormatText
		e.Context, e.Message = leadingContext(rest)
		if line[0] != '[' && letter(line[1]) && line[1] >= 'a' {
			return e, unset, KindPlain // "Error: …" is mostly the first line of a stack
		}
		return e, unset, KindHead
	}
	e = text(line)
	switch {
	case critical(line):
		e.Level = LevelError
		return e, unset, KindHead
	case continues(line):
		return e, unset, KindCont
	}
	return e, unset, KindPlain
}

func text(line []byte) Event { return Event{Message: string(line)} }

// continues tells a line that belongs to the one before even though it is not
// indented: the closing of a JSON, a cause, the head of a stack.
func continues(line []byte) bool {
	switch line[0] {
	case '}', ']', ')':
		return true
	}
	for _, s := range [...]string{"Caused by:", "at ", "... ", "    at "} {
		if bytes.HasPrefix(line, []byte(s)) {
			return true
		}
	}
	return false
}

// nest reads "[Nest] 12345  - 01/29/2026, 12:00:00 PM     LOG [Context] text +3ms".
func (p *Parser) nest(line []byte) (e Event, ms int64, ok bool) {
	end := bytes.IndexByte(line, ']')
	if end < 0 {
		return e, unset, false
	}
	i := end + 1
	for i < len(line) && line[i] == ' ' {
		i++
	}
	pid := i
	for i < len(line) && digit(line[i]) {
		i++
	}
	pidEnd := i
	for i < len(line) && line[i] == ' ' {
		i++
	}
	if pidEnd == pid || i+2 > len(line) || line[i] != '-' {
		return e, unset, false
	}
	i = skipBlank(line, i+1)
	ms, n := p.any(line[i:])
	if n == 0 {
		return e, unset, false
	}
	rest := bytes.TrimLeft(line[i+n:], " ")
	e = Event{Format: FormatNest, Fields: []Field{{Key: "pid", Value: string(line[pid:pidEnd])}}}
	word, after, _ := bytes.Cut(rest, []byte(" "))
	if l, ok := levelWords[string(word)]; ok {
		e.Level, rest = l, after
	}
	e.Context, e.Message = leadingContext(rest)
	e.Message, e.Fields = elapsed(e.Message, e.Fields)
	return e, ms, true
}

func skipBlank(line []byte, i int) int {
	for i < len(line) && line[i] == ' ' {
		i++
	}
	return i
}

// elapsed takes Nest's trailing " +3ms" off the message.
func elapsed(msg string, fields []Field) (string, []Field) {
	i := strings.LastIndex(msg, " +")
	if i < 0 || !strings.HasSuffix(msg, "ms") || len(msg) < i+5 {
		return msg, fields
	}
	for _, c := range []byte(msg[i+2 : len(msg)-2]) {
		if !digit(c) {
			return msg, fields
		}
	}
	return msg[:i], append(fields, Field{Key: "elapsed", Value: msg[i+1:]})
}

// leadingContext splits "[Context] text".
func leadingContext(b []byte) (context, message string) {
	b = bytes.TrimLeft(b, " ")
	if len(b) > 2 && b[0] == '[' {
		if end := bytes.IndexByte(b, ']'); end > 1 && bytes.IndexByte(b[:end], '"') < 0 {
			return string(b[1:end]), string(bytes.TrimLeft(b[end+1:], " "))
		}
	}
	return "", string(b)
}

// leadingLevel finds a level at the beginning of b, as "ERROR text",
// "[error] text", "error: text" or "FATAL ERROR: text".
func leadingLevel(b []byte) (l Level, rest []byte, ok bool) {
	i := 0
	bracket := len(b) > 0 && (b[0] == '[' || b[0] == '<')
	if bracket {
		i++
	}
	start := i
	for i < len(b) && i < start+12 && b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z' {
		i++
	}
	word := b[start:i]
	if len(word) < 3 {
		return 0, nil, false
	}
	l, ok = levelWords[string(word)]
	if !ok {
		if l, ok = ParseLevel(string(word)); !ok || !bracket && (i >= len(b) || b[i] != ':') {
			return 0, nil, false
		}
	}
	switch {
	case bracket && (i >= len(b) || b[i] != ']' && b[i] != '>'):
		return 0, nil, false
	case bracket:
		i++
	case i < len(b) && b[i] != ' ' && b[i] != ':' && b[i] != '|' && b[i] != '\t':
		return 0, nil, false
	}
	for i < len(b) && (b[i] == ':' || b[i] == ' ' || b[i] == '-' || b[i] == '|' || b[i] == '\t') {
		i++
	}
	return l, b[i:], true
}

// timed reads a time, perhaps in brackets or with PM2's colon, and what follows:
// another format, or a level, a context and text.
func (p *Parser) timed(line []byte) (e Event, ms int64, ok bool) {
	i := 0
	if line[0] == '[' {
		i = 1
	}
	ms, n := p.any(line[i:])
	if n == 0 {
		return e, unset, false
	}
	if i += n; line[0] == '[' {
		if i >= len(line) || line[i] != ']' {
			return e, unset, false
		}
		i++
	}
	for i < len(line) && (line[i] == ':' || line[i] == ' ' || line[i] == '|' || line[i] == '\t') {
		i++
	}
	rest := line[i:]
	if inner, ok := p.inner(rest); ok {
		return inner, ms, true
	}
	e = Event{Format: FormatText}
	if l, after, ok := leadingLevel(rest); ok {
		e.Level, rest = l, after
	}
	e.Context, e.Message = leadingContext(rest)
	if e.Level == LevelUnknown && e.Context != "" {
		if l, after, ok := leadingLevel([]byte(e.Message)); ok {
			e.Level, e.Message = l, string(after)
		} else if l, ok := ParseLevel(e.Context); ok {
			e.Level, e.Context = l, ""
		}
	}
	return e, ms, true
}

// inner reads what stands behind a time that a process manager put in front; the
// time in front is the event's.
func (p *Parser) inner(rest []byte) (e Event, ok bool) {
	if len(rest) == 0 {
		return e, false
	}
	switch rest[0] {
	case '[':
		e, _, ok = p.nest(rest)
	case '{':
		e, _, _, ok = p.json(string(rest))
	default:
		e, _, ok = p.logfmt(string(rest))
	}
	return e, ok
}

// logfmt reads "time=… level=info msg="…" key=value".
func (p *Parser) logfmt(line string) (e Event, ms int64, ok bool) {
	eq := strings.IndexByte(line, '=')
	if eq <= 0 || strings.ContainsAny(line[:eq], " \"{[(:") {
		return e, unset, false
	}
	ms = unset
	known := false
	for rest := line; rest != ""; {
		var key, value string
		key, value, rest, ok = logfmtPair(rest)
		if !ok {
			return Event{}, unset, false
		}
		switch key {
		case "":
		case "time", "ts", "timestamp", "t":
			ms = p.value(value)
			known = known || value != "" && digit(value[0])
		case "level", "lvl", "severity":
			l, isLevel := ParseLevel(value)
			e.Level, known = l, known || isLevel
		case "msg", "message":
			e.Message, known = value, true
		case "context", "logger", "module", "component":
			e.Context = value
		default:
			e.Fields = append(e.Fields, Field{Key: key, Value: value})
		}
	}
	if !known {
		return Event{}, unset, false
	}
	e.Format = FormatLogfmt
	return e, ms, true
}

// logfmtPair takes the first pair off; a word without = is a key that is true.
func logfmtPair(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	i := strings.IndexAny(s, "= ")
	if i < 0 {
		return s, "true", "", true
	}
	if key = s[:i]; s[i] == ' ' {
		return key, "true", s[i:], true
	}
	if s = s[i+1:]; strings.HasPrefix(s, `"`) {
		end := stringEnd(s, 0)
		if end < 0 {
			return "", "", "", false
		}
		return key, unquote(s[:end]), s[end:], true
	}
	value, rest, _ = strings.Cut(s, " ")
	return key, value, rest, true
}
