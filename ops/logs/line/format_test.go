package line

import (
	"errors"
	"testing"
	"time"

	"opsdeck/ops/logs"
)

var shanghai = time.FixedZone("+08:00", 8*3600)

func mustFormat(t *testing.T, spec FormatSpec) *Format {
	t.Helper()
	f, err := NewFormat(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestALineIsReadByAConfiguredFormat: time, level, context, fields and message.
func TestALineIsReadByAConfiguredFormat(t *testing.T) {
	till := mustFormat(t, FormatSpec{
		Name:    "till",
		Pattern: `(?P<time>\d\d\.\d\d\.\d{4} - \d\d:\d\d:\d\d) \{(?P<level>\d)\} (?P<context>[\w-]+)#(?P<order>\d+) `,
		Time:    "%d.%m.%Y - %H:%M:%S",
		Levels:  map[string]string{"1": "error", "2": "warn", "3": "info"},
		Zone:    shanghai,
	})
	whole := mustFormat(t, FormatSpec{Name: "whole", Pattern: `<(?P<time>[^>]*)> (?P<level>\w+) (?P<message>.*?) \[(?P<user>\w+)\]$`})
	p := NewParser(time.UTC, testNow)
	p.Wear(NewStyle(nil, []*Format{till, whole}, false))
	for text, want := range map[string]string{
		"29.01.2026 - 12:00:00 {1} till-4#456 paid twice":  "2026-01-29T04:00:00Z ERROR till-4 paid twice order=456",
		"29.01.2026 - 12:00:00 {3} till-4#457 paid":        "2026-01-29T04:00:00Z INFO till-4 paid order=457",
		"29.01.2026 - 12:00:00 {9} till-4#457 paid":        "2026-01-29T04:00:00Z UNKNOWN till-4 paid order=457",
		"29.13.2026 - 12:00:00 {1} till-4#457 paid":        "- ERROR till-4 paid order=457",
		"<2026-01-29T12:00:00Z> warn low stock [wang]":     "2026-01-29T12:00:00Z WARN  low stock user=wang",
		"<yesterday> warn low stock [wang]":                "- WARN  low stock user=wang",
		"2026-01-29 12:00:00 ERROR of another program":     "2026-01-29T12:00:00Z ERROR  of another program",
		`{"level":"error","time":1769688000,"msg":"json"}`: "2026-01-29T12:00:00Z ERROR  json",
	} {
		e, kind := p.Parse([]byte(text))
		got := "-"
		if !e.Time.IsZero() {
			got = e.Time.UTC().Format(time.RFC3339)
		}
		got += " " + e.Level.String() + " " + e.Context + " " + e.Message
		for _, f := range e.Fields {
			got += " " + f.Key + "=" + f.Value
		}
		if got != want || kind != KindHead {
			t.Errorf("%s\n got %s (kind %d)\nwant %s", text, got, kind, want)
		}
	}
}

// TestTheZoneOfASource holds for times that say none, CST among them, and comes off again.
func TestTheZoneOfASource(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	at := func(text string) string {
		e, _ := p.Parse([]byte(text))
		return e.Time.UTC().Format("15:04")
	}
	const plain, cst, zoned = "2026-01-29 12:00:00 INFO x", "2026-01-29 12:00:00 CST [1] LOG:  x", "2026-01-29T12:00:00Z x"
	for _, c := range []struct {
		style *Style
		want  string
	}{
		{nil, "12:00 12:00 12:00"},
		{NewStyle(shanghai, nil, false), "04:00 04:00 12:00"},
		{nil, "12:00 12:00 12:00"},
	} {
		p.Wear(c.style)
		if got := at(plain) + " " + at(cst) + " " + at(zoned); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestOnlyALinesFormatMayBeginAnEvent where a source names one.
func TestOnlyALinesFormatMayBeginAnEvent(t *testing.T) {
	p := NewParser(time.UTC, testNow)
	p.Wear(NewStyle(nil, []*Format{mustFormat(t, FormatSpec{Name: "x", Pattern: `(?P<level>[A-Z]+) => `})}, true))
	if e, kind := p.Parse([]byte("ERROR => lost")); e.Level != logs.LevelError || kind != KindHead ||
		e.Message != "lost" {
		t.Errorf("%+v %d", e, kind)
	}
	if e, kind := p.Parse([]byte("2026-01-29 12:00:00 ERROR text of the event before")); e.Level != 0 || kind == KindHead {
		t.Errorf("%+v %d", e, kind)
	}
}

// TestAWrongFormatSaysWhatIsWrong.
func TestAWrongFormatSaysWhatIsWrong(t *testing.T) {
	for key, spec := range map[string]FormatSpec{
		"name":    {Pattern: "(?P<time>x)"},
		"pattern": {Name: "a", Pattern: "(?P<time>x"},
		"time":    {Name: "a", Pattern: "(?P<time>x)", Time: "%Q"},
		"levels":  {Name: "a", Pattern: "(?P<time>x)", Levels: map[string]string{"1": "loud"}},
	} {
		_, err := NewFormat(spec)
		var wrong *formatError
		if !errors.As(err, &wrong) || wrong.Key != key {
			t.Errorf("%+v: %v, want an error of %s", spec, err, key)
		}
	}
	for _, pattern := range []string{"x", "", "(x)"} {
		if _, err := NewFormat(FormatSpec{Name: "a", Pattern: pattern}); err == nil {
			t.Errorf("%q without a named group is taken", pattern)
		}
	}
	for _, layout := range []string{"2006", "%d.%m.%Y", "no layout"} {
		if _, err := NewFormat(FormatSpec{Name: "a", Pattern: "(?P<time>x)", Time: layout}); err == nil {
			t.Errorf("the layout %q, without a clock, is taken", layout)
		}
	}
}
