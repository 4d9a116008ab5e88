package logs

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync"
)

// Bounds of the table of shapes: its part of the fixed memory.
const (
	maxShapes    = 1 << 17
	maxShapeText = 24 << 20
	maxShapeLine = 16 << 10 // a longer line is not worth a shape
)

// timeMode is where the lines of a shape say their time.
type timeMode uint8

const (
	timeNone  timeMode = iota
	timeFirst          // it is the first date with a time in the line
	timeHead           // it stands at the line's beginning, in a short form
	timeKey            // behind a key
	timeSlow           // the whole line must be read
)

// Shape is what lines that differ only in numbers, times and ids share.
type Shape struct {
	Text    []byte // of an opaque shape empty; else the line with marks for what varies
	Level   Level
	Kind    Kind
	Format  Format
	Context string
	varies  bool // the context has something that varies
	opaque  bool // a stand-in for lines without a shape of their own

	critical, took bool
	timeMode       timeMode
	timeAt         int    // for timeHead
	timeKey        string // for timeKey
	message        string // the pattern of the message
}

// Shapes is the table of all shapes of a set of logs. It is safe for concurrent
// use.
type Shapes struct {
	mu     sync.RWMutex
	seed   uint64
	byHash map[uint64]uint32
	list   []*Shape
	bytes  int
	giants giants
}

// NewShapes makes an empty table.
func NewShapes() *Shapes {
	return &Shapes{seed: maphash.String(maphash.MakeSeed(), "shapes"), byHash: map[uint64]uint32{}}
}

// At returns the shape with that number.
func (s *Shapes) At(id uint32) *Shape {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list[id]
}

// snapshot returns the shapes so far; they do not change any more.
func (s *Shapes) snapshot() []*Shape {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.list
}

// find returns the number of the shape with that hash, made from the line when
// it is new.
func (s *Shapes) find(h uint64, line []byte, first int, p *Parser) uint32 {
	s.mu.RLock()
	id, ok := s.byHash[h]
	full := len(s.list) >= maxShapes || s.bytes > maxShapeText
	s.mu.RUnlock()
	if ok {
		return id
	}
	if full {
		return s.opaque(line, p)
	}
	return s.add(h, newShape(line, first, p))
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
	s.bytes += len(shape.Text) + len(shape.Context) + len(shape.message) + 200
	return id
}

// opaque returns the stand-in for lines that have no shape of their own: one
// for each kind and level.
func (s *Shapes) opaque(line []byte, p *Parser) uint32 {
	e, ms, kind := p.parse(line)
	return s.standIn(&e, ms, kind)
}

func (s *Shapes) standIn(e *Event, ms int64, kind Kind) uint32 {
	shape := &Shape{Level: e.Level, Kind: kind, Format: e.Format, varies: true, opaque: true, timeMode: timeSlow}
	if ms == unset {
		shape.timeMode = timeNone
	}
	h := mix(mix(s.seed, uint64(e.Level)<<8|uint64(kind)), uint64(shape.timeMode)<<8|uint64(e.Format))
	s.mu.RLock()
	id, ok := s.byHash[h]
	s.mu.RUnlock()
	if ok {
		return id
	}
	return s.add(h, shape)
}

func newShape(line []byte, first int, p *Parser) *Shape {
	e, ms, kind := p.parse(line)
	pattern := e.Message
	if typ, ok := businessType(&e); ok {
		pattern = typ // not a pattern for each user
	}
	s := &Shape{
		Text: shapeText(nil, line), Level: e.Level, Kind: kind, Format: e.Format, Context: e.Context,
		varies:   strings.ContainsAny(e.Context, "0123456789"),
		critical: critical(line), took: bytes.Contains(line, took),
		message: string(shapeText(nil, []byte(strings.Repeat(" ", headBytes)+pattern))[headBytes:]),
	}
	switch {
	case kind == KindHead:
		s.findTime(line, first, ms, p)
	case ms != unset: // a plain line that Docker wrote down with its time
		s.timeMode = timeSlow
	}
	return s
}

// findTime settles how the time of this shape's lines is read.
func (s *Shape) findTime(line []byte, first int, ms int64, p *Parser) {
	if _, n := p.any(line); n > 0 && first != 0 {
		s.timeMode, s.timeAt = timeHead, 0
		return
	}
	if _, n := p.any(line[min(1, len(line)):]); n > 0 && line[0] == '[' && first != 1 {
		s.timeMode, s.timeAt = timeHead, 1
		return
	}
	switch s.Format {
	case FormatUnknown:
		return
	case FormatText:
		if ms == unset {
			return
		}
		s.timeMode = timeSlow
		if first == 0 || first == 1 && line[0] == '[' {
			s.timeMode = timeFirst
		}
		return
	case FormatNest:
		s.timeMode = timeSlow
		ahead := first > 0 && bytes.IndexByte(line[:first], ']') > 0 && bytes.HasSuffix(line[:first], []byte("- "))
		if (ahead || first == 0) && p.firstTime(line, first) == ms {
			s.timeMode = timeFirst
		}
		return
	}
	s.timeMode = timeSlow
	ahead := first == 0 || first == 1 && line[0] == '[' || first > 0 && keyBefore(line[:first])
	if ahead && p.firstTime(line, first) == ms {
		s.timeMode = timeFirst
		return
	}
	for key := range timeKeys {
		quoted := `"` + key + `":`
		if i := bytes.Index(line, []byte(quoted)); s.Format == FormatJSON && ms != unset && i >= 0 &&
			s.onlyKey(line, key) &&
			p.afterKey(line, quoted) == ms {
			s.timeMode, s.timeKey = timeKey, quoted
			return
		}
	}
}

// firstTime reads the time at first the fast way, as a shape whose mode is timeFirst does.
func (p *Parser) firstTime(line []byte, first int) int64 {
	var t stamp
	if iso(line[first:], &t) == 0 && us(line[first:], &t) == 0 {
		return unset
	}
	return p.millis(&t)
}

// onlyKey tells that the text of a key stands once in the line and no other time
// key does, so that finding it is as good as reading the JSON.
func (s *Shape) onlyKey(line []byte, key string) bool {
	n := 0
	for k := range timeKeys {
		n += bytes.Count(line, []byte(`"`+k+`":`))
	}
	return n == 1
}

// keyBefore tells whether a time key stands right before a value, and no other
// earlier.
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

// afterKey reads the time behind a key.
func (p *Parser) afterKey(line []byte, key string) int64 {
	i := bytes.Index(line, []byte(key))
	if i < 0 {
		return unset
	}
	b := bytes.TrimLeft(line[i+len(key):], ` "`)
	end := 0
	for end < len(b) && end < 40 && b[end] != '"' && b[end] != ',' && b[end] != '}' {
		end++
	}
	return p.value(string(b[:end]))
}

// timeOf reads the time of a line with this shape.
// at is the first time in it, where first is not negative.
func (s *Shape) timeOf(line []byte, first int, at *stamp, p *Parser) int64 {
	switch s.timeMode {
	case timeNone:
		return unset
	case timeFirst:
		if first >= 0 {
			return p.millis(at)
		}
	case timeHead:
		ms, _ := p.any(line[s.timeAt:])
		return ms
	case timeKey:
		return p.afterKey(line, s.timeKey)
	}
	_, ms, _ := p.parse(line)
	return ms
}

// isCritical tells whether a line of this shape is one of the errors that need a
// person at once.
func (s *Shape) isCritical(line []byte) bool { return s.critical || s.opaque && critical(line) }

// isSlow tells whether a line of this shape says that something took SlowMS or more.
func (s *Shape) isSlow(line []byte) bool { return (s.took || s.opaque) && Took(line) >= SlowMS }
