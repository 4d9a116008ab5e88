package logfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	logstore "opsdeck/ops/logs/store"
)

// stacks are multi-line events of three pods whose lines are interleaved: in some only the
// first line contains needle, in others only a line of the stack.
func stacks(f *fakeLoki, begin time.Time, n int) (needles []string) {
	for i := range n {
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		for pod := range 3 {
			words, stack := "went wrong", "other"
			if (i+pod)%40 == 0 {
				words = "the needle"
			} else if (i+pod)%40 == 20 {
				stack = "needle"
			}
			lines := []string{
				fmt.Sprintf(
					"%s ERROR [Pay] %s (%d of pod %d)",
					at.UTC().Format("2006-01-02T15:04:05.000Z"),
					words,
					i,
					pod,
				),
				fmt.Sprintf(
					"    at %s (/app/a.ts:%d:%d)",
					stack,
					i,
					pod,
				),
				"Caused by: no connection",
				fmt.Sprintf("    at b (/app/b.ts:%d:%d)", i, pod),
			}
			for k, line := range lines {
				f.mu.Lock()
				f.all = append(
					f.all,
					entry{at.Add(time.Duration(3*k+pod) * time.Millisecond).UnixNano(), line, fmt.Sprint(pod), ""},
				)
				f.mu.Unlock()
			}
			if words+stack != "went wrongother" {
				needles = append(needles, strings.Join(lines, "\n"))
			}
		}
	}
	slices.SortFunc(f.all, func(a, b entry) int { return int(a.ns - b.ns) })
	return needles
}

func TestAFilterPushedDownToLokiLosesNoLineOfAnEvent(t *testing.T) {
	f := newFakeLoki(t)
	begin := time.Now().Add(-2 * time.Hour).Truncate(time.Second)
	want := stacks(f, begin, 600)
	for _, words := range []string{"'needle", "ndle 'needle", "/needle/"} {
		events := map[string]bool{}
		for _, raw := range foundIn(t, f.name(), words) {
			events[strings.TrimPrefix(raw, "ERROR ")] = true
		}
		lost := 0
		for _, event := range want {
			head, _, _ := strings.Cut(event, "\n")
			if strings.Contains(head, "needle") && !events[event] {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%s: %d of %d events are not whole", words, lost, len(want))
		}
	}
	f.awaitAsked(t, `{app="x"} |~ "(?i)needle"`)
}

func TestLokisEventsStayTogetherWhereStreamsAreMixed(t *testing.T) {
	f := newFakeLoki(t)
	stacks(f, time.Now().Add(-time.Hour).Truncate(time.Second), 100)
	raws := foundIn(t, f.name(), "level:error '[Pay]")
	if len(raws) != 300 {
		t.Errorf("%d events, want 300", len(raws))
	}
	for _, raw := range raws {
		if strings.Count(raw, "\n") != 3 {
			t.Fatalf("an event is not whole: %q", raw)
		}
	}
}

func TestTheTabsOlderLinesOfLokiAreWholeEvents(t *testing.T) {
	f := newFakeLoki(t)
	begin := time.Now().Add(-20 * time.Hour).Truncate(time.Second)
	want := stacks(f, begin, 1500) // more than the pages that are read without a request
	store := fedByLoki(t, f, 1)
	store.SetQuery(parsed("'needle"), true)
	f.awaitAsked(t, `{app="x"} |~ "(?i)needle"`)
	until(t, "all hits", func() bool { return store.Stats().Hits >= int64(len(want)) })
	rest(store)
	events := map[string]bool{}
	for _, r := range store.Window(logstore.Place{}, 10_000, 0).Rows {
		if e, ok := store.Event(r.ID); ok {
			events[e.Raw] = true
		}
	}
	for _, event := range want {
		if !events[event] {
			t.Fatalf("of %d events there is not whole: %q", len(want), event)
		}
	}
}
