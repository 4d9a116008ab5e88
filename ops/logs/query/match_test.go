package query

import (
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
)

// TestAComparisonKnowsUnits: of a field, and of a value after its name in the text.
func TestAComparisonKnowsUnits(t *testing.T) {
	text := logs.Event{Raw: "INFO call elapsed=800ms size=3kB n=7 big=12"}
	json := logs.Event{
		Raw: `{"msg":"x","meta":{"took":"1.2s"},"waited_ms":1500}`,
		Fields: []logs.Field{
			{Key: "meta", Value: `{"took":"1.2s"}`, JSON: true},
			{Key: "waited_ms", Value: "1500", JSON: true},
		},
	}
	for words, want := range map[string][2]bool{
		"elapsed>700ms": {true, false}, "elapsed>1s": {false, false}, "elapsed<1.2s": {true, false},
		"elapsed>=800": {true, false}, "n>6": {true, false}, "n<=6": {false, false}, "big>7": {true, false},
		"size>2kB": {true, false}, "size>4kB": {false, false},
		"meta.took>900ms": {false, true}, "field.meta.took>900ms": {false, true}, "meta.took>2s": {false, false},
		"waited_ms>1s": {false, true}, "waited_ms<1s": {false, false}, "!elapsed>700ms": {false, true},
		"field.elapsed>700ms": {true, false}, "field.elapsed>1s": {false, false}, "!field.elapsed>1s": {true, true},
		"field.size<=3kB": {true, false}, "field.elapsed=800ms": {false, false},
	} {
		q, err := ParseQuery(words, time.Now())
		if err != nil || len(q.Fields) != 1 {
			t.Errorf("%s: %d fields, %v", words, len(q.Fields), err)
			continue
		}
		for i, e := range []logs.Event{text, json} {
			if got := q.MatchEvent(&e, []byte(e.Raw)); got != want[i] {
				t.Errorf("%s: %v for %s", words, got, e.Raw)
			}
		}
	}
	for _, words := range []string{"a>b", "->5", "x>1.2.3"} {
		if q, _ := ParseQuery(words, time.Now()); q != nil && len(q.Fields) > 0 {
			t.Errorf("%s is no word any more", words)
		}
	}
}

// TestTheHintForAWordWithAColonIsAQuery: what it advises asks for the field that was meant.
func TestTheHintForAWordWithAColonIsAQuery(t *testing.T) {
	for words, want := range map[string]string{
		"user:5":              "field.user=5",
		"field:user":          "field.field=user",
		"field:elapsed>1s":    "field.elapsed>1s",
		"field:a.b>=1.5":      "field.a.b>=1.5",
		"field:user=5":        "field.user=5",
		"field.user:5":        "field.user=5",
		"elapsed:>1s":         "field.elapsed>1s",
		"!data.size:<=3kB":    "field.data.size<=3kB",
		"level:error":         "",
		"http://a.example/b":  "",
		"field.elapsed>700ms": "",
	} {
		q, err := ParseQuery(words, time.Now())
		if err != nil {
			t.Fatalf("%s: %v", words, err)
		}
		hint := q.Unkeyed()
		if want == "" {
			if !hint.Empty() {
				t.Errorf("%s: %s", words, hint)
			}
			continue
		}
		if !strings.Contains(hint.String(), "; "+want+" finds") {
			t.Errorf("%s: %s, want %s", words, hint, want)
		}
		if q, err := ParseQuery(want, time.Now()); err != nil || len(q.Fields) != 1 {
			t.Errorf("%s is advised and asks for no field: %v", want, err)
		}
	}
}

// TestASpanInTheRepeatedHourHoldsBothPasses: a time that the clocks show twice begins a
// span at its first and ends one at its second.
func TestASpanInTheRepeatedHourHoldsBothPasses(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, berlin)
	q, err := ParseQuery("since:2026-10-25T02:15 until:2026-10-25T02:45", now)
	if err != nil {
		t.Fatal(err)
	}
	since := time.Date(2026, 10, 25, 0, 15, 0, 0, time.UTC)
	until := time.Date(2026, 10, 25, 1, 45, 0, 0, time.UTC)
	if !q.Since.Equal(since) || !q.Until.Equal(until) {
		t.Errorf("from %v to %v, want %v to %v", q.Since, q.Until, since, until)
	}
	day, err := ParseEnd("2026-10-25", now)
	if err != nil || !day.Equal(time.Date(2026, 10, 25, 0, 0, 0, 0, berlin)) {
		t.Errorf("a day ends at %v, %v", day, err)
	}
}
