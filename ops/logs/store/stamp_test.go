package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	logline "opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
)

// TestNestsTimesAreReadInEveryLocale: what Node's toLocaleString prints for
// Nest's options, by locale.
func TestNestsTimesAreReadInEveryLocale(t *testing.T) {
	p := logline.NewParser(time.UTC, testNow)
	for text, want := range map[string]string{
		"01/29/2026, 2:05:07 AM":      "2026-01-29T02:05:07Z", // en-US
		"01/29/2026, 2:05:07\u202fPM": "2026-01-29T14:05:07Z", // en-US, Node 20
		"01/29/2026, 12:05:07 AM":     "2026-01-29T00:05:07Z",
		"01/29/2026, 12:05:07 PM":     "2026-01-29T12:05:07Z",
		"2026/01/29 02:05:07":         "2026-01-29T02:05:07Z", // zh-CN
		"2026/01/29 2:05:07":          "2026-01-29T02:05:07Z", // ja-JP
		"29/01/2026, 02:05:07":        "2026-01-29T02:05:07Z", // en-GB
		"29/01/2026 02:05:07":         "2026-01-29T02:05:07Z", // fr-FR
		"29.01.2026, 02:05:07":        "2026-01-29T02:05:07Z", // de-DE
		"03.01.2026, 02:05:07":        "2026-01-03T02:05:07Z",
		"2026-01-29 02:05:07":         "2026-01-29T02:05:07Z", // sv-SE
		"2026-01-29T02:05:07.5+08:00": "2026-01-28T18:05:07.5Z",
	} {
		e, kind := p.Parse([]byte("[Nest] 12345  - " + text + "   ERROR [OrderService] Failed to create order +3ms"))
		if kind != logline.KindHead || e.Format != logs.FormatNest || e.Level != logs.LevelError ||
			e.Context != "OrderService" ||
			e.Message != "Failed to create order" {
			t.Errorf("%s: kind %d, %+v", text, kind, e)
		}
		if got := e.Time.UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("%s: read as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"2026-01-29T2:05:07", "01/29/2026, :05:07 AM", "01/29/2026, 2:5:07 AM", "01/29/2026, 2:05"} {
		if _, n := p.AnyTime([]byte(text)); n != 0 {
			t.Errorf("%s is taken for a time", text)
		}
	}
}

// TestTheOrderOfDatesIsFoundInTheText: 05/01/2026 without AM or PM tells nothing
// by itself.
func TestTheOrderOfDatesIsFoundInTheText(t *testing.T) {
	line := func(date string) string { return "[Nest] 1  - " + date + "     LOG [A] text\n" }
	many := strings.Repeat(line("05/01/2025, 12:00:00"), 3000)
	for name, c := range map[string]struct {
		text string
		day  bool
	}{
		"nothing tells: Nest's order":      {line("05/01/2025, 12:00:00"), false},
		"a day above 12 in front":          {line("05/01/2026, 12:00:00") + line("13/01/2026, 12:00:00"), true},
		"a day above 12 behind":            {line("05/01/2026, 12:00:00") + line("01/13/2026, 12:00:00"), false},
		"PM follows a month":               {line("01/05/2026, 2:00:00 PM") + line("01/06/2026, 2:00:00 PM"), false},
		"a month in front were the future": {line("05/01/2026, 12:00:00") + line("04/01/2026, 12:00:00"), true},
		"all through the middle":           {many[:len(many)/4] + strings.Repeat(line("31/12/2025, 12:00:00"), 2000) + many, true},
		"ISO dates":                        {"2026-01-13T12:00:00Z x\n2026-13-01 y\n", false},
	} {
		b := logindex.NewBuilder(logline.NewShapes(),
			logline.NewParser(time.UTC, time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)), false)
		if got := logindex.LooksLike(b, inMemory(c.text), int64(len(c.text)),
			logindex.UnknownManner); got.DayFirst != c.day ||
			got.Plain {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAScanReadsDatesInTheOrderOfTheirFile(t *testing.T) {
	text := "[Nest] 1  - 05/01/2026, 12:00:00     LOG [A] fifth\n[Nest] 1  - 13/01/2026, 12:00:00     LOG [A] " +
		"thirteenth\n"
	q, err := query.ParseQuery("until:2026-01-06T00:00:00Z", testNow)
	if err != nil {
		t.Fatal(err)
	}
	scan := logindex.Scan{Query: q, Zone: time.UTC, Now: testNow}
	n := 0
	err = scan.Each(t.Context(), []logs.Source{memSource(text)}, func(h *logindex.Hit) error {
		n++
		if got := h.Time().UTC().Format(time.DateOnly); got != "2026-01-05" {
			t.Errorf("read as %s", got)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d hits, %v", n, err)
	}
}

// TestTheOrderOfDatesIsThatOfTheSourcesOtherTexts: a log that was rotated on the
// fifth does not tell until the thirteenth.
func TestTheOrderOfDatesIsThatOfTheSourcesOtherTexts(t *testing.T) {
	const fresh = "[Nest] 1  - 05/02/2025, 12:00:00   ERROR [A] fifth\nError: a\n    at b\n"
	const older = "[Nest] 1  - 31/01/2025, 12:00:00     LOG [A] thirty-first\n"
	s := newTestStore(t)
	live := &growing{}
	g := s.Add("m", "m.log", live, true, false)
	quiet(t, s)
	g.Grow(live.append(fresh), nil)
	quiet(t, s)
	s.Add("m", "m__1.log", inMemory(older), false, true)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		rows, st := allRows(s), quiet(t, s)
		if len(rows) == 2 && rows[1].Event.Time.Month() == time.February && rows[1].Lines == 2 && st.All.Events == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", rows)
		}
	}
	scan := logindex.Scan{Query: &query.Query{}, Zone: time.UTC, Now: testNow}
	var got []string
	err := scan.Each(
		t.Context(),
		[]logs.Source{{Name: "m", Parts: []logs.Part{memPart{"1", older}, memPart{"m", fresh}}}},
		func(h *logindex.Hit) error {
			got = append(got, h.Time().UTC().Format(time.DateOnly))
			return nil
		},
	)
	if want := []string{"2025-01-31", "2025-02-05"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestAParserThatFollowsLearnsTheOrderOfDates.
func TestAParserThatFollowsLearnsTheOrderOfDates(t *testing.T) {
	month := func(p *logline.Parser, date string) time.Month {
		e, _ := p.Parse([]byte("[Nest] 1  - " + date + "     LOG [A] x"))
		return e.Time.Month()
	}
	p := logline.NewParser(time.UTC, testNow)
	if logindex.Learn(p, inMemory(""), 0) {
		t.Error("nothing tells something")
	}
	if m := month(p, "05/02/2025, 12:00:00"); m != time.May {
		t.Errorf("at first: %v", m)
	}
	month(p, "13/02/2025, 12:00:00")
	if m := month(p, "05/02/2025, 12:00:00"); m != time.February {
		t.Errorf("after the thirteenth: %v", m)
	}
	month(p, "02/13/2025, 12:00:00")
	if m := month(p, "05/02/2025, 12:00:00"); m != time.May {
		t.Errorf("after the other order: %v", m)
	}
	text := "[Nest] 1  - 14/02/2025, 12:00:00     LOG [A] x\n"
	if !logindex.Learn(p, inMemory(text), int64(len(text))) || month(p, "05/02/2025, 12:00:00") != time.February {
		t.Error("the text was not learned from")
	}
}
