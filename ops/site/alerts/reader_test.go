package alerts

import (
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs/line"
)

// reading is a reader at work on app*.log in a folder.
type reading struct {
	t      *testing.T
	dir    string
	places map[string]alert.Place
	known  bool
	style  *line.Style
	got    []string
}

func newReading(t *testing.T) *reading {
	return &reading{t: t, dir: t.TempDir(), places: map[string]alert.Place{}}
}

func (r *reading) path(name string) string { return filepath.Join(r.dir, name) }

func (r *reading) append(name string, lines ...string) {
	r.t.Helper()
	f, err := os.OpenFile(r.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
		f.Close()
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// during runs a reader, does something, and waits until a line came that holds until.
func (r *reading) during(until string, do func()) {
	r.t.Helper()
	conf := config.Service{Name: "q", Logs: config.LogSources{{Path: r.path("app*.log*")}}}
	rules, err := rulesOf(conf, time.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	woken := make(chan struct{}, 1)
	one := newReader(conf, rules.logs, r.places, r.known)
	one.styles = func(string) *line.Style { return r.style }
	one.now = time.Now
	one.warn = func(name string, err error) { r.t.Logf("%s: %v", name, err) }
	one.wake = func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		one.run(ctx)
		close(ended)
	}()
	for !one.isRunning() {
		time.Sleep(time.Millisecond)
	}
	do()
	late := time.After(2 * time.Minute)
	for found := until == ""; !found; {
		select {
		case <-woken:
		case <-late:
			r.t.Fatalf("no line %q came, only %q", until, r.got)
		}
		found = r.collect(one, until)
	}
	time.Sleep(5 * time.Millisecond)
	r.collect(one, "")
	stop()
	<-ended
	r.known = true
}

func (r *reading) collect(one *reader, until string) (found bool) {
	got, places := one.collect()
	r.places = places
	for _, h := range got {
		if int64(len(h.lines)) != h.n {
			r.t.Fatalf("%d lines kept of %d", len(h.lines), h.n)
		}
		for _, l := range h.lines {
			r.got = append(r.got, l.Message)
			found = found || until != "" && strings.Contains(l.Raw, until)
		}
	}
	return found
}

func (r *reading) expect(want ...string) {
	r.t.Helper()
	if fmt.Sprint(r.got) != fmt.Sprint(want) {
		r.t.Fatalf("got %q, want %q", r.got, want)
	}
	r.got = nil
}

// broken is a line that a rule matches, as Nest writes it.
func broken(n int) string {
	return fmt.Sprintf("[Nest] 7  - 01/29/2026, 12:00:%02d PM   ERROR [Pay] External API call failed %d", n, n)
}

func says(n int) string { return fmt.Sprintf("External API call failed %d", n) }

func TestOldLinesAreNotNews(t *testing.T) {
	t.Parallel()
	r := newReading(t)
	r.append("app.log", broken(1))
	r.append("app-old.log.1", broken(2))
	r.during(says(3), func() { r.append("app.log", broken(3)) })
	r.expect(says(3))
}

// TestNothingIsMissedWhileNobodyReads rotates the log in the ways of the field between
// two runs.
func TestNothingIsMissedWhileNobodyReads(t *testing.T) {
	t.Parallel()
	for name, rotate := range map[string]func(*testing.T, *reading){
		"nothing": func(*testing.T, *reading) {},
		"renamed": func(t *testing.T, r *reading) { move(t, r.path("app.log"), r.path("app.log.1")) },
		"packed": func(t *testing.T, r *reading) {
			pack(t, r.path("app.log"),
				r.path("app__2026-01-29_00-00-00.log.gz"))
		},
		"copied":       func(t *testing.T, r *reading) { copyTruncate(t, r.path("app.log"), r.path("app.log.1")) },
		"copied twice": twice,
	} {
		t.Run(human.Shell(name), func(t *testing.T) {
			t.Parallel()
			r := newReading(t)
			r.append("app.log", broken(1))
			r.during(says(2), func() { r.append("app.log", "", broken(2)) })
			r.expect(says(2))
			r.append("app.log", broken(3))
			rotate(t, r)
			r.append("app.log", broken(4))
			r.during(says(5), func() { r.append("app.log", broken(5)) })
			r.expect(says(3), says(4), says(5))
		})
	}
}

func twice(t *testing.T, r *reading) {
	copyTruncate(t, r.path("app.log"), r.path("app.log.2"))
	copyTruncate(t, r.path("app.log"), r.path("app.log.1"))
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func copyTruncate(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err == nil {
		err = os.Truncate(from, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func pack(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	z.Write(text)
	z.Close()
	f.Close()
	os.Remove(from)
}

func TestALogThatCameWhileNobodyReadIsRead(t *testing.T) {
	t.Parallel()
	r := newReading(t)
	r.append("app.log", "hello")
	r.during("", func() {})
	r.append("app-2.log", "Unhandled exception 1")
	r.during("exception 2", func() { r.append("app.log", "Unhandled exception 2") })
	r.expect("Unhandled exception 1", "Unhandled exception 2")
}

// TestACopyOfALogIsNoNews: somebody copies a log beside it while it is read, and while
// nobody reads. Its lines have no time.
func TestACopyOfALogIsNoNews(t *testing.T) {
	t.Parallel()
	r := newReading(t)
	copyTo := func(name string) {
		text, err := os.ReadFile(r.path("app.log"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.path("copying"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		move(t, r.path("copying"), r.path(name)) // whole at once, as cp of a short file nearly is
	}
	r.append("app.log", strings.Repeat("a line without a time\n", 40))
	r.during("exception 1", func() { r.append("app.log", "Unhandled exception 1") })
	r.expect("Unhandled exception 1")
	r.during("exception 2", func() {
		copyTo("app-saved.log")
		r.append("app-saved.log", "Unhandled exception 2")
	})
	r.expect("Unhandled exception 2")
	copyTo("app-saved-later.log")
	r.during("exception 3", func() { r.append("app.log", "Unhandled exception 3") })
	r.expect("Unhandled exception 3")
}

func TestARotationWhileReadingMissesNothing(t *testing.T) {
	t.Parallel()
	r := newReading(t)
	r.append("app.log", "hello")
	r.during(says(3), func() {
		r.append("app.log", broken(1))
		move(t, r.path("app.log"), r.path("app.log.1"))
		r.append("app.log", broken(2))
		copyTruncate(t, r.path("app.log"), r.path("app.log.0"))
		r.append("app.log", broken(3))
	})
	r.expect(says(1), says(2), says(3))
}

func TestAnUncaughtExceptionOfRealNodeIsSeen(t *testing.T) {
	t.Parallel()
	r := newReading(t)
	r.append("app.log", "hello")
	r.during("Node.js v20", func() {
		r.append("app.log", "/srv/app/main.js:1", "throw new Error('x')", "^", "", "Error: x",
			"    at Object.<anonymous> (/srv/app/main.js:1:7)", "", "Node.js v20.11.0")
	})
	if len(r.got) != 1 {
		t.Fatalf("%q", r.got)
	}
}

// The message of a format of the configuration is what it says it is.
func TestLinesAreReadInTheFormatsOfTheConfiguration(t *testing.T) {
	f, err := line.NewFormat(line.FormatSpec{Name: "till",
		Pattern: `^#(?P<level>\d) till=(?P<till>\w+) (?P<message>.*)`})
	if err != nil {
		t.Fatal(err)
	}
	r := newReading(t)
	r.style = line.NewStyle(nil, []*line.Format{f}, true)
	r.append("app.log", "#1 till=a ready")
	r.during("failed", func() { r.append("app.log", "#3 till=b External API call failed 7") })
	r.expect("External API call failed 7")
}

func TestARuleOfTheConfigurationIsAQueryOfTheLogs(t *testing.T) {
	s := config.Service{Name: "q", Alerts: config.Alerts{Rules: []config.AlertRule{
		{Name: "slow", Query: "took>1000 context:Order*", Count: 3, Severity: "warning"},
		{Name: "external-api-failed", Off: true},
	}}}
	b, err := rulesOf(s, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	last := b.logs[len(b.logs)-1]
	if last.Name != "slow" || last.count != 3 || last.severity.String() != "warning" || !b.off["external-api-failed"] {
		t.Fatalf("%+v", last)
	}
	s.Alerts.Rules[0].Query = "TAG0X"
	if b, err = rulesOf(s, time.Now()); err != nil {
		t.Fatal(err)
	}
	if q := b.logs[len(b.logs)-1].query; q.MatchLine("TAG10X boom") || !q.MatchLine("it is TAG0X") {
		t.Error("a word of a rule is found letter by letter")
	}
	s.Alerts.Rules[0].Query = "/(/"
	if _, err := rulesOf(s, time.Now()); err == nil || !strings.Contains(err.Error(), "slow") {
		t.Fatal(err)
	}
	s.Alerts.Rules = []config.AlertRule{{Name: "mysql", Query: "x"}}
	if err := Check(s, []health.Check{{Name: "mysql"}}, time.Now()); err == nil ||
		!strings.Contains(err.Error(), "mysql") {
		t.Fatal(err)
	}
	s.Alerts.Rules = []config.AlertRule{{Name: "mysqll", For: time.Minute}}
	if err := Check(s, nil, time.Now()); err == nil || !strings.Contains(err.Error(), "mysqll") {
		t.Fatal(err)
	}
}

// TestALineOfJSONIsToldAsAPersonReadsIt: the line that fires an alert is its subject.
func TestALineOfJSONIsToldAsAPersonReadsIt(t *testing.T) {
	for want, l := range map[string]alert.Line{
		"Pay payment failed":    {Context: "Pay", Message: "payment failed", Raw: `{"context":"Pay","msg":"payment failed"}`},
		"09:00 ERROR plain":     {Message: "plain", Raw: "09:00 ERROR plain"},
		`{"neither":"of both"}`: {Raw: `{"neither":"of both"}`},
	} {
		if got := said(l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestALinkToALogIsNoLogOfItsOwn: each line is matched once, also of what came while nobody read
// and the link moved on.
func TestALinkToALogIsNoLogOfItsOwn(t *testing.T) {
	t.Parallel()
	for link, files := range map[string][2]string{
		"app-current.log": {"app-2026-01-29.log", "app-2026-01-30.log"},
		"app.log":         {"app.log-20260129", "app.log-20260130"},
	} {
		r := newReading(t)
		lead := func(to string) {
			os.Remove(r.path(link))
			if err := os.Symlink(to, r.path(link)); err != nil {
				t.Fatal(err)
			}
		}
		first, second := files[0], files[1]
		r.append(first, broken(1))
		lead(first)
		r.during(says(2), func() { r.append(first, broken(2)) })
		r.expect(says(2))
		r.append(first, broken(3))
		r.during(says(4), func() { r.append(first, broken(4)) })
		r.expect(says(3), says(4))
		r.append(first, broken(5))
		at := time.Now().Add(time.Minute).Format("01/02/2006, 03:04:05 PM") // a new log's older lines are no news
		r.append(second, strings.ReplaceAll(broken(6), "01/29/2026, 12:00:06 PM", at))
		lead(second)
		r.during(says(7), func() { r.append(second, strings.ReplaceAll(broken(7), "01/29/2026, 12:00:07 PM", at)) })
		slices.Sort(r.got) // two logs have no order
		r.expect(says(5), says(6), says(7))
	}
}

// TestAHalfLineIsMatched: when it waited long enough, and when its file is truncated.
func TestAHalfLineIsMatched(t *testing.T) {
	r := newReading(t)
	conf := config.Service{Name: "q"}
	rules, err := rulesOf(conf, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	one := newReader(conf, rules.logs, r.places, true)
	one.now = time.Now
	one.wake = func() {}
	path := r.path("app.log")
	write := func(text string) int64 {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return int64(len(text))
	}
	s := one.sink(t.Context(), path)
	s.caught = true
	tail := logfile.NewTail(path, s)
	waits := write(broken(1))
	tail.Look()
	r.collect(one, "")
	r.expect()
	always := func() bool { return true }
	if k := s.open[0]; !k.Grow(waits, always) || !k.Settle(always) || !k.Settle(always) {
		t.Fatal("it was not taken")
	}
	one.tracks[0].live.Quiet(0)
	r.collect(one, "")
	r.expect(says(1))
	write("\n" + broken(2) + "\n" + broken(3))
	tail.Look()
	write("")
	tail.Look()
	r.collect(one, "")
	r.expect(says(2), says(3))
}
