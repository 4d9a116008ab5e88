// Package logs has the types that all who deal with a service's logs share: events, levels, sources.
// Below it, line reads a line, query what is asked, index finds hits in text, store holds logs that are shown.
//
// A line is what ends in \n; an event is a line that starts one (its head) with
// the lines that continue it: stack traces, pretty JSON, SQL. Words of a query
// are looked for in one line, as grep and fzf do; what an event says about
// itself (level, context, time, fields) holds for all its lines.
//
// The packages read text through io.ReaderAt and do no other I/O.
package logs

import (
	"strings"
	"time"

	"opsdeck/internal/jsontext"
)

// Format is how a line was written.
type Format uint8

// The formats that are found by looking.
const (
	FormatUnknown Format = iota
	FormatNest
	FormatJSON
	FormatLogfmt
	FormatText // a time, perhaps a level, and text
)

var formatNames = [...]string{"unknown", "nest", "json", "logfmt", "text"}

// String names the format.
func (f Format) String() string { return formatNames[f] }

// Field is one further thing that an event says: a key of its JSON, a pair of
// its logfmt. Value is text, or JSON when JSON is set.
type Field struct {
	Key   string
	Value string
	JSON  bool
}

// Event is one event, or a single line that continues one.
type Event struct {
	Time    time.Time // zero when none is known
	Level   Level
	Context string
	Message string
	Fields  []Field
	Format  Format
	Source  string // file or stream that it came from
	Line    int64  // number of its line in the source, from 1; 0 while unknown
	Raw     string // its lines as they stand in the source, joined by \n
	More    int64  // bytes of the source after those of Raw that were not read: the event is longer
	Cont    bool   // a line that continues an event whose head is elsewhere
}

// Rest is what stands on the lines after the head.
func (e *Event) Rest() string {
	if _, rest, ok := strings.Cut(e.Raw, "\n"); ok {
		return rest
	}
	return ""
}

// Field returns the value of the field with that name. Names of nested keys
// are joined by dots: "metadata.userId"; the end of such a name is enough.
func (e *Event) Field(name string) (value string, ok bool) {
	for _, f := range e.Fields {
		if f.Key == name {
			return f.Text(), true
		}
	}
	for _, f := range e.Fields {
		if !f.JSON {
			continue
		}
		if tail, under := strings.CutPrefix(name, f.Key+"."); under {
			if v, ok := jsontext.Find(f.Value, tail); ok {
				return v, true
			}
		}
		if v, ok := jsontext.Find(f.Value, name); ok {
			return v, true
		}
	}
	return "", false
}

// Text is the value as a person reads it: a JSON string without its quotes.
func (f Field) Text() string {
	if f.JSON {
		return jsontext.Text(f.Value)
	}
	return f.Value
}
