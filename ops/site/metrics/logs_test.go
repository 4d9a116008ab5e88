package metrics

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/clock/clocktest"
	"opsdeck/ops/health"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
)

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// counted runs a counter of the sources and returns what waits for lines of a scrape.
func counted(t *testing.T, sources ...string) (await func(lines ...string) string) {
	t.Helper()
	counter := NewLogCounter("q", sources, time.UTC)
	c := New(fixed(health.Report{}), clocktest.New(noon), nil)
	c.Count(counter)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); counter.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return func(lines ...string) (got string) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
			got = text(t, c)
			missing := ""
			for _, l := range lines {
				if !strings.Contains("\n"+got, "\n"+l+"\n") {
					missing = l
				}
			}
			if missing == "" {
				return got
			}
			if time.Now().After(deadline) {
				t.Fatalf("there is no %s in\n%s", missing, got)
			}
		}
	}
}

func TestEventsAreCountedByLevelFromTheStartOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "back-out.log")
	glob := filepath.Join(dir, "back-*.log")
	head := "[Nest] 1  - 01/29/2026, 12:00:00 PM   "
	appendTo(t, path, head+"ERROR [OrderService] before the start\n")
	await := counted(t, glob)
	line := func(level, n string) string {
		return `opsdeck_log_events_total{level="` + level + `",service="q",source="` + glob + `"} ` + n
	}
	await(line("error", "0"), line("fatal", "0"), line("unknown", "0")) // known from the start on
	// The counter has begun once it counts: a first line is written until it does.
	for n := 0; !strings.Contains(await(), line("debug", "1")); n++ {
		if n == 0 {
			time.Sleep(50 * time.Millisecond)
			appendTo(t, path, head+"DEBUG [App] begun\n")
		}
		if n > 2000 {
			t.Fatal(await())
		}
		time.Sleep(5 * time.Millisecond)
	}
	appendTo(t, path, head+"ERROR [OrderService] Failed to create order\n    at OrderService.create (/app/a.js:1:2)\n    at next\n"+
		head+"ERROR [TypeOrm] Unable to connect to the database\n"+head+"WARN [A] b\n"+head+"LOG [A] c\n")
	got := await(line("error", "2"), line("warn", "1"), line("info", "1"),
		`opsdeck_log_critical_events_total{service="q",source="`+glob+`"} 1`,
		`opsdeck_log_readable{service="q",source="`+glob+`"} 1`)
	if strings.Contains(got, "back-out.log") {
		t.Error("a source is told by its file: their number has no bound")
	}
	appendTo(t, filepath.Join(dir, "back-error.log"), head+"ERROR [X] of a file that came later\n")
	await(line("error", "3"))
}

func TestASourceThatCannotBeReadIsSaid(t *testing.T) {
	await := counted(t, "docker:no-such-container-of-this-test")
	await(`opsdeck_log_readable{service="q",source="docker:no-such-container-of-this-test"} 0`)
}

// TestAHalfLineIsCounted: once, when it waited long enough or its file is truncated.
func TestAHalfLineIsCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	counter := NewLogCounter("q", []string{path}, time.UTC)
	f := &counting{counter: counter, source: path, began: noon, running: true}
	tail := logfile.NewTail(path, f)
	const line = "2026-01-29T12:00:00Z ERROR x"
	appendTo(t, path, line)
	tail.Look()
	always := func() bool { return true }
	if k := f.tracks[0]; !k.Grow(int64(len(line)), always) || !k.Settle(always) || !k.Settle(always) {
		t.Fatal("it was not taken")
	}
	appendTo(t, path, "\n"+line+"\n"+line)
	for range 2 {
		tail.Look()
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	tail.Look()
	if got := counter.events[path].levels[logs.LevelError]; got != 3 {
		t.Fatalf("%d events, want 3", got)
	}
}
