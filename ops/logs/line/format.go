package line

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/logs"
)

// FormatSpec is a line format from the configuration.
type FormatSpec struct {
	Name string
	// Pattern is a regular expression in Go's syntax that must match the beginning of a
	// line. The named groups time, level, context and message are those parts of the
	// event; every other named group is a field. Without a group message, the text after
	// the match is the message.
	Pattern string
	// Time is the layout of the time in Go's form (02.01.2006 15:04:05) or with
	// strftime's conversions (%d.%m.%Y %H:%M:%S); empty for any form that opsdeck knows.
	Time string
	// Levels maps words and numbers to levels: {"3": error, "T": debug}. Others are read
	// by their usual names.
	Levels map[string]string
	Zone   *time.Location // of times without a zone; nil: that of the source
}

// Format is a compiled FormatSpec. It is safe for concurrent use.
type Format struct {
	FormatSpec
	re     *regexp.Regexp
	groups []string
	levels map[string]logs.Level
	layout string
	dated  bool // the layout has a year
}

// formatError names the wrong part of a FormatSpec.
type formatError struct {
	Key  string // name, pattern, time or levels
	What string
}

func (e *formatError) Error() string { return e.Key + ": " + e.What }

// NewFormat compiles a format. Errors are *formatError.
func NewFormat(spec FormatSpec) (*Format, error) {
	f := &Format{FormatSpec: spec, levels: map[string]logs.Level{}}
	if spec.Name == "" {
		return nil, &formatError{"name", "is missing"}
	}
	pattern := spec.Pattern
	if !strings.HasPrefix(pattern, "^") {
		pattern = "^(?:" + pattern + ")"
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, &formatError{"pattern", err.Error()}
	}
	f.re, f.groups = re, re.SubexpNames()
	if !slices.ContainsFunc(f.groups, func(g string) bool { return g != "" }) {
		return nil, &formatError{"pattern", "has no named group such as (?P<time>…)"}
	}
	for word, name := range spec.Levels {
		l, ok := logs.ParseLevel(name)
		if !ok {
			return nil, &formatError{"levels", fmt.Sprintf("%q is no level", name)}
		}
		f.levels[word] = l
	}
	if f.layout = spec.Time; strings.Contains(f.layout, "%") {
		if f.layout, err = strftime(f.layout); err != nil {
			return nil, &formatError{"time", err.Error()}
		}
	}
	if f.layout != "" {
		probe := time.Date(2031, 12, 29, 23, 48, 57, 0, time.UTC)
		again, err := time.Parse(f.layout, probe.Format(f.layout))
		if err != nil || again.Hour() != 23 || again.Minute() != 48 {
			return nil, &formatError{"time",
				fmt.Sprintf("%q is no layout that gives the hour and the minute", spec.Time)}
		}
		f.dated = again.Year() == 2031
	}
	return f, nil
}

// strftimeSigns maps the conversions of strftime to Go's layout.
var strftimeSigns = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'B': "January",
	'e': "_2", 'I': "03", 'p': "PM", 'a': "Mon", 'A': "Monday", 'z': "-0700", 'Z': "MST", 'f': "000000",
	'L': "000", 'T': "15:04:05", 'F': "2006-01-02", 'D': "01/02/06", 'j': "002", '%': "%",
}

func strftime(layout string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			out.WriteByte(layout[i])
			continue
		}
		i++
		if i == len(layout) {
			return "", fmt.Errorf("ends with %%")
		}
		sign, ok := strftimeSigns[layout[i]]
		if !ok {
			return "", fmt.Errorf("%%%c is not known", layout[i])
		}
		out.WriteString(sign)
	}
	return out.String(), nil
}

// read reads a line; ok is false when the format does not match. at is where its time
// begins, or -1.
func (f *Format) read(p *Parser, line []byte) (e logs.Event, ms int64, at int, ok bool) {
	m := f.re.FindSubmatchIndex(line)
	if m == nil {
		return e, Unset, -1, false
	}
	e = logs.Event{Format: logs.FormatText}
	ms = Unset
	at = -1
	message := string(line[m[1]:])
	for i, name := range f.groups {
		if name == "" || m[2*i] < 0 {
			continue
		}
		text := line[m[2*i]:m[2*i+1]]
		switch name {
		case "time":
			ms = f.time(p, text)
			at = m[2*i]
		case "level":
			e.Level = f.level(p, string(text))
		case "context":
			e.Context = string(text)
		case "message":
			message = string(line[m[2*i]:])
			if m[2*i+1] < m[1] {
				message = string(text)
			} else if m[2*i+1] > m[2*i] && m[2*i+1] < len(line) {
				message = string(text) + string(line[m[1]:])
			}
		default:
			e.Fields = append(e.Fields, logs.Field{Key: name, Value: string(text)})
		}
	}
	e.Message = strings.TrimLeft(message, " \t")
	return e, ms, at, true
}

func (f *Format) level(p *Parser, word string) logs.Level {
	if strings.ContainsAny(word, "0123456789") {
		p.read.numbered = true
	}
	if l, ok := f.levels[word]; ok {
		return l
	}
	l, ok := logs.ParseLevel(word)
	if !ok && len(word) == 1 {
		l = letterLevels[word[0]]
	}
	return l
}

// time reads the text of the group time; it must be a time from end to end.
func (f *Format) time(p *Parser, text []byte) int64 {
	zone := p.Zone
	if f.Zone != nil {
		p.setZone(f.Zone)
		defer p.setZone(zone)
	}
	if f.layout == "" {
		return p.value(string(text))
	}
	t, err := time.ParseInLocation(f.layout, string(text), p.Zone)
	if err != nil {
		return Unset
	}
	if f.dated && (strings.Contains(f.layout, "07") || strings.Contains(f.layout, "MST")) { // with a zone
		return t.UnixMilli()
	}
	s := Stamp{month: int(t.Month()), day: t.Day(), hour: t.Hour(), min: t.Minute(), sec: t.Second()}
	s.ms = t.Nanosecond() / 1_000_000
	if s.Year = t.Year(); f.dated {
		return p.Millis(&s)
	}
	return p.yearlessMillis(s)
}

// Style is how the configuration says the lines of a source are read.
type Style struct {
	Zone    *time.Location // of times without a zone; nil: the reader's
	Formats []*Format      // tried in this order before the built-in ones
	Only    bool           // a line that matches no format does not begin an event
	id      uint64
}

// NewStyle returns a style; nil if it would change nothing.
func NewStyle(zone *time.Location, formats []*Format, only bool) *Style {
	if zone == nil && len(formats) == 0 {
		return nil
	}
	s := &Style{Zone: zone, Formats: formats, Only: only}
	h := fnv.New64a()
	for _, f := range formats {
		fmt.Fprintf(h, "%s\x00%s\x00%s\x00%v\x00%v\x00", f.Name, f.Pattern, f.FormatSpec.Time, f.Levels,
			f.FormatSpec.Zone)
	}
	fmt.Fprintf(h, "%v %v", zone, only)
	s.id = h.Sum64() | 1
	return s
}

// ID identifies a style; 0 is no style. It is the same in every run.
func (s *Style) ID() uint64 {
	if s == nil {
		return 0
	}
	return s.id
}

// Wear makes the parser read lines in a style; nil removes it.
func (p *Parser) Wear(s *Style) {
	if p.style == s {
		return
	}
	p.style = s
	zone := p.own
	if s != nil && s.Zone != nil {
		zone = s.Zone
	}
	p.setZone(zone)
}

// Style is the parser's style.
func (p *Parser) Style() *Style { return p.style }

func (s *Stamps) setZone(zone *time.Location) {
	if s.Zone != zone {
		s.Zone, s.base = zone, 0
	}
}

// configured reads a line by the formats of the configuration. done is false when the
// built-in formats must be tried too.
func (p *Parser) configured(line []byte) (e logs.Event, ms int64, kind Kind, done bool) {
	for _, f := range p.style.Formats {
		e, ms, at, ok := f.read(p, line)
		if !ok {
			continue
		}
		p.read.dateAt = at
		p.read.reader = ReaderConfigured
		p.read.name = f.Name
		return e, ms, KindHead, true
	}
	if p.style.Only {
		return text(line), Unset, KindPlain, true
	}
	return e, Unset, KindPlain, false
}
