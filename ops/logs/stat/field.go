// Package stat makes numbers of what a query finds: counts by the values of fields, percentiles of
// a number, both over time, and spans between the lines that begin and end an operation.
package stat

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Field is what is asked of each event: its level, context or source, what it took in ms, a field
// by its name (nested ones with points), or what a regular expression finds in its text.
type Field struct {
	Name string // as it was asked for
	re   *regexp.Regexp
}

// ParseField reads the name of a field, or /regular expression/: then its first group is the value,
// or all that it matches where it has no group. A name that no field of an event has is looked for
// in its text, as name=value and "name": value.
func ParseField(text string) (Field, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Field{}, fmt.Errorf("a field needs a name")
	}
	expr := line.ValueOf(text)
	if len(text) > 2 && text[0] == '/' && text[len(text)-1] == '/' {
		expr = text[1 : len(text)-1]
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return Field{}, err
	}
	return Field{Name: text, re: re}, nil
}

// Event is an event whose fields are asked for.
type Event struct {
	logs.Event
	text []byte // as a person sees it, once it is needed
}

func (e *Event) seen() []byte {
	if e.text == nil {
		e.text = line.Visible([]byte(e.Raw), nil)
	}
	return e.text
}

// of is the value that an event has.
func (f *Field) of(e *Event) (string, bool) {
	switch f.Name {
	case "level":
		return e.Level.String(), e.Level != logs.LevelUnknown
	case "context":
		return e.Context, e.Context != ""
	case "source":
		return e.Source, e.Source != ""
	}
	if f.Name[0] != '/' {
		if v, ok := e.Field(f.Name); ok {
			return v, v != ""
		}
	}
	if f.Name == "took" {
		ms := line.Took(e.seen())
		return strconv.FormatInt(ms, 10), ms >= 0
	}
	m := f.re.FindSubmatch(e.seen())
	if m == nil {
		return "", false
	}
	if len(m) == 1 {
		return string(m[0]), len(m[0]) > 0
	}
	for _, v := range m[1:] {
		if v != nil {
			return string(v), len(v) > 0
		}
	}
	return "", false
}
