package line

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"

	"opsdeck/ops/logs"
)

// Limits of the table of shapes: its part of the fixed memory.
const (
	maxShapes    = 1 << 17
	maxShapeText = 24 << 20
	MaxShapeLine = 16 << 10 // a longer line gets no shape
)

// timeMode is where the lines of a shape have their time.
type timeMode uint8

const (
	timeNone   timeMode = iota
	timeFirst           // the first date with a time in the line
	timeHead            // at the line's beginning, in a short format
	timeKey             // after a key
	timeAccess          // in the first brackets, as in access logs
	timeSlow            // the whole line must be read
)

// Shape is what lines have in common that differ only in numbers, times and ids.
type Shape struct {
	Text    []byte // the line with marks for what varies; empty for an opaque shape
	Level   logs.Level
	Kind    Kind
	Format  logs.Format
	Context string
	Varies  bool // a part of the context varies
	Opaque  bool // a placeholder for lines without their own shape
	Record  bool // a placeholder for first lines that are understood by several lines
	Below   bool // what happened may be on the line below

	// Numbered means that the level comes from a number that varies: a status, a syslog
	// priority. Lines of one pattern then have one shape per level.
	Numbered bool

	// Doubt is the level of the first word after the time, if it may begin a sentence.
	Doubt logs.Level

	// Unsettled means that other digits would be read differently: the first line of
	// this shape has an impossible date, but the next may have a valid one. Such lines
	// are read one by one.
	Unsettled bool

	// Clocked means that the lines have a time of day without a date.
	Clocked bool

	part Part // what its lines are for the lines after them

	Critical, HasTook bool
	took              tookWays
	TimeMode          timeMode
	timeAt            int    // for timeHead
	timeKey           string // for timeKey
	Message           string // the pattern of the message
}

// Shapes is the table of all shapes of a set of logs. It is safe for concurrent
// use.
type Shapes struct {
	mu     sync.RWMutex
	Seed   uint64
	byHash map[uint64]uint32
	list   []*Shape
	bytes  int
	Giants Giants
	Turns  Turns
}

// NewShapes returns an empty table.
func NewShapes() *Shapes {
	return &Shapes{Seed: maphash.String(maphash.MakeSeed(), "shapes"), byHash: map[uint64]uint32{}}
}

// At returns the shape with that number.
func (s *Shapes) At(id uint32) *Shape {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list[id]
}

// Snapshot returns the shapes so far; they no longer change.
func (s *Shapes) Snapshot() []*Shape {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list
}

// Find returns the number of the shape with that hash, and creates it from the line if
// it is new.
func (s *Shapes) Find(h uint64, line []byte, first int, p *Parser) uint32 {
	s.mu.RLock()
	id, ok := s.byHash[h]
	full := len(s.list) >= maxShapes || s.bytes > maxShapeText
	s.mu.RUnlock()
	if ok {
		return id
	}
	if full {
		return s.Opaque(line, p)
	}
	return s.add(h, NewShape(line, first, p))
}

func (s *Shapes) add(h uint64, shape *Shape) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, ok := s.byHash[h]; ok {
		return id
	}
	id := uint32(len(s.list))
	s.list = append(s.list, shape)
	s.byHash[h] = id
	s.bytes += len(shape.Text) + len(shape.Context) + len(shape.Message) + 200
	return id
}

// Opaque returns the placeholder for lines without their own shape: one for each kind
// and level.
func (s *Shapes) Opaque(line []byte, p *Parser) uint32 {
	e, ms, kind := p.ParseMS(line)
	return s.standIn(&e, ms, kind, partOf(&e, kind, &p.read))
}

func (s *Shapes) standIn(e *logs.Event, ms int64, kind Kind, part Part) uint32 {
	shape := &Shape{
		Level:    e.Level,
		Kind:     kind,
		Format:   e.Format,
		Varies:   true,
		Opaque:   true,
		TimeMode: timeSlow,
		part:     part,
	}
	if ms == Unset {
		shape.TimeMode = timeNone
	}
	h := mix(mix(s.Seed, uint64(e.Level)<<8|uint64(kind)), uint64(part)<<16|uint64(shape.TimeMode)<<8|uint64(e.Format))
	s.mu.RLock()
	id, ok := s.byHash[h]
	s.mu.RUnlock()
	if ok {
		return id
	}
	return s.add(h, shape)
}

// NewShape returns the shape of a line whose first time begins at first, or at -1
// without one.
func NewShape(line []byte, first int, p *Parser) *Shape {
	e, ms, kind := p.ParseMS(line)
	numbered, doubt, clocked := p.read.numbered, p.read.doubt, p.read.clocked
	part, below := partOf(&e, kind, &p.read), p.read.below
	pattern := e.Message
	if typ, ok := businessType(&e); ok {
		pattern = typ // one pattern for all users
	}
	s := &Shape{
		Text: shapeText(nil, line), Level: e.Level, Kind: kind, Format: e.Format, Context: e.Context,
		Varies:   strings.ContainsAny(e.Context, "0123456789"),
		Numbered: numbered,
		Doubt:    doubt,
		Clocked:  clocked,
		Below:    below,
		part:     part,
		Critical: IsCritical(line), HasTook: waysIn(line) != 0, took: waysIn(line),
		Message: string(shapeText(nil, []byte(strings.Repeat(" ", headBytes)+pattern))[headBytes:]),
	}
	switch {
	case kind == KindHead:
		s.findTime(line, first, ms, p)
	case ms != Unset: // a plain line with the time of Docker
		s.TimeMode = timeSlow
	}
	s.Unsettled = ms == Unset && p.readsOtherwise(line, kind, e.Level)
	return s
}

// findTime decides how the time of this shape's lines is read.
func (s *Shape) findTime(line []byte, first int, ms int64, p *Parser) {
	if p.read.zoned {
		s.TimeMode = timeSlow
		return
	}
	if p.style != nil && len(p.style.Formats) > 0 {
		s.TimeMode = timeSlow
		if first >= 0 && first == p.read.dateAt && ms != Unset && p.firstTime(line, first) == ms {
			s.TimeMode = timeFirst
		}
		return
	}
	if _, n := p.AnyTime(line); n > 0 && first != 0 {
		s.TimeMode, s.timeAt = timeHead, 0
		return
	}
	if _, n := p.AnyTime(line[min(1, len(line)):]); n > 0 && line[0] == '[' && first != 1 {
		s.TimeMode, s.timeAt = timeHead, 1
		return
	}
	switch s.Format {
	case logs.FormatUnknown:
		return
	case logs.FormatText:
		if ms == Unset {
			return
		}
		s.TimeMode = timeSlow
		switch {
		case first == 0 || first == 1 && line[0] == '[' || first > 0 && first == p.read.dateAt &&
			p.firstTime(line, first) == ms:
			s.TimeMode = timeFirst
		case s.Context == accessContext && p.accessTime(line) == ms:
			s.TimeMode = timeAccess
		}
		return
	case logs.FormatNest:
		s.TimeMode = timeSlow
		ahead := first > 0 && bytes.IndexByte(line[:first], ']') > 0 && bytes.HasSuffix(line[:first], []byte("- "))
		if (ahead || first == 0) && p.firstTime(line, first) == ms && wholeDate(line[first:]) {
			s.TimeMode = timeFirst
		}
		return
	}
	s.TimeMode = timeSlow
	front := first == 0 || first == 1 && line[0] == '['
	ahead := front || first > 0 && keyBefore(line[:first]) && endsValue(line, first)
	if ahead && p.firstTime(line, first) == ms {
		s.TimeMode = timeFirst
		return
	}
	if front {
		return // a key may have the same time by chance
	}
	for key := range timeKeys {
		quoted := `"` + key + `":`
		if i := bytes.Index(line, []byte(quoted)); s.Format == logs.FormatJSON && ms != Unset && i >= 0 &&
			s.onlyKey(line, key) &&
			p.afterKey(line, quoted) == ms {
			s.TimeMode, s.timeKey = timeKey, quoted
			return
		}
	}
}

// wholeDate tells whether Nest's line has only the leading date with a time before its
// level: anything else, such as a word for the half of the day, may make it invalid.
func wholeDate(line []byte) bool {
	var t Stamp
	n := iso(line, &t)
	if n == 0 {
		n = SlashDate(line, &t)
	}
	_, date, _, named := nestLevel(line[n:])
	return n > 0 && (!named || len(date) == 0)
}

// endsValue tells whether the value of a key is exactly the date with a time at first.
func endsValue(line []byte, first int) bool {
	var t Stamp
	n := iso(line[first:], &t)
	if n == 0 {
		n = SlashDate(line[first:], &t)
	}
	end := first + n
	switch {
	case n == 0:
		return false
	case first > 0 && line[first-1] == '"':
		return end < len(line) && line[end] == '"'
	}
	return end == len(line) || line[end] == ' '
}

// firstTime reads the time at first the fast way, as for a shape of mode timeFirst.
func (p *Parser) firstTime(line []byte, first int) int64 {
	var t Stamp
	if iso(line[first:], &t) == 0 && SlashDate(line[first:], &t) == 0 {
		return Unset
	}
	return p.Millis(&t)
}

// onlyKey tells whether the key occurs once in the line and no other time key does:
// finding it then equals reading the JSON.
func (s *Shape) onlyKey(line []byte, key string) bool {
	n := 0
	for k := range timeKeys {
		n += bytes.Count(line, []byte(`"`+k+`":`))
	}
	return n == 1
}

// keyBefore tells whether a time key is right before a value, with no other time key
// before it.
func keyBefore(b []byte) bool {
	b = bytes.TrimRight(b, `" `)
	if len(b) < 4 || b[0] != '{' && b[len(b)-1] != '=' {
		return false
	}
	for key := range timeKeys {
		if bytes.Equal(b, []byte(`{"`+key+`":`)) || bytes.Equal(b, []byte(key+"=")) {
			return true
		}
	}
	return false
}

// afterKey reads the time after a key.
func (p *Parser) afterKey(line []byte, key string) int64 {
	i := bytes.Index(line, []byte(key))
	if i < 0 {
		return Unset
	}
	b := line[i+len(key):]
	for len(b) > 0 && (b[0] == ' ' || b[0] == '"') {
		b = b[1:]
	}
	if ms := sinceEpoch(b); ms != Unset {
		return ms
	}
	end := 0
	for end < len(b) && end < 40 && b[end] != '"' && b[end] != ',' && b[end] != '}' {
		end++
	}
	return p.value(string(b[:end]))
}

// sinceEpoch reads a whole number of ms since 1970, as pino writes it, of this century.
func sinceEpoch(b []byte) (ms int64) {
	if len(b) < 14 || b[0] != '1' || b[13] != ',' && b[13] != '}' {
		return Unset
	}
	for _, c := range b[:13] {
		if !Digit(c) {
			return Unset
		}
		ms = ms*10 + int64(c-'0')
	}
	return ms
}

// Alone tells whether a line must be read by itself although it has the shape of its
// pattern: the other lines have a time and this one's ms is unset, or its date at first
// is impossible.
func (s *Shape) Alone(ms int64, first int, at *Stamp, p *Parser) bool {
	switch {
	case s.Unsettled:
		return true
	case s.Kind != KindHead || s.Opaque || s.TimeMode == timeNone:
		return false
	case ms == Unset:
		return true
	}
	return first >= 0 && s.TimeMode != timeFirst && p.Millis(at) == Unset
}

// TimeOf reads the time of a line with this shape. at is the first time in it, if first
// is not negative.
func (s *Shape) TimeOf(line []byte, first int, at *Stamp, p *Parser) int64 {
	switch s.TimeMode {
	case timeNone:
		return Unset
	case timeFirst:
		if first >= 0 {
			return p.Millis(at)
		}
	case timeHead:
		ms, _ := p.AnyTime(line[s.timeAt:])
		return ms
	case timeKey:
		return p.afterKey(line, s.timeKey)
	case timeAccess:
		return p.accessTime(line)
	}
	_, ms, _ := p.ParseMS(line)
	return ms
}

// IsCritical tells whether a line of this shape is an error that needs immediate action.
func (s *Shape) IsCritical(line []byte) bool { return s.Critical || s.Opaque && IsCritical(line) }

// IsSlow tells whether a line of this shape reports a duration of SlowMS or more.
func (s *Shape) IsSlow(line []byte) bool {
	return s.took != 0 && s.took.took(line) >= SlowMS || s.Opaque && Took(line) >= SlowMS
}
