package alert

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testenv"
)

// TestAnAlertIsNotLateBecauseAttemptsFail plays days of alerts with a target that fails
// half of the time, on a clock of its own. Nothing is lost, doubled or out of order, and no
// alert waits longer than the attempts that failed before it explain.
func TestAnAlertIsNotLateBecauseAttemptsFail(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(testenv.Seed(t)), 14))
	w := newWorld(t)
	var queued []time.Time
	next, row, longest, worst := 0, 0, 0, time.Duration(0)
	fail := func(m *Message) bool {
		if r.IntN(2) == 0 {
			row = 0
			return false
		}
		row++
		longest = max(longest, row)
		return true
	}
	for step := 0; next < 3000; step++ {
		if len(queued) < 3000 && r.IntN(20) == 0 {
			name := fmt.Sprint(len(queued))
			queued = append(queued, w.now)
			w.fires(name)
		}
		for _, m := range w.sent(time.Second, fail) {
			for _, a := range m.Alerts {
				if a.Rule != fmt.Sprint(next) {
					t.Fatalf("alert %s is delivered, want %d", a.Rule, next)
				}
				worst = max(worst, w.now.Sub(queued[next]))
				next++
			}
		}
		if step > 3_000_000 {
			t.Fatalf("%d of %d delivered", next, len(queued))
		}
	}
	// It may come while one message is failing and then fail itself; 12 s is the allowance
	// of 5 messages a minute.
	if limit := 2 * (time.Duration(longest)*lastRetry + 12*time.Second); worst > limit {
		t.Errorf("the latest alert was %s late with %d failures in a row, want at most %s", worst, longest, limit)
	}
	t.Logf("at most %s late, %d failures in a row", worst, longest)
}

// fires queues that an alert fires.
func (w *world) fires(name string) {
	a := Alert{ID: name, Rule: name, Service: "q"}
	w.book.queue("q/hook").add(Event{What: What.Fired, At: w.now, Alert: a})
}

// sent lets time pass and returns the documents that the target took.
func (w *world) sent(elapsed time.Duration, fail func(*Message) bool) (out []Doc) {
	w.t.Helper()
	w.now = w.now.Add(elapsed)
	w.book.Pack(lang.English(), w.now, elapsed, nil)
	for _, m := range w.book.Due() {
		if fail(m) {
			w.book.Refused(lang.English(), m, Refusal{Why: "it failed"}, w.now)
			continue
		}
		var doc Doc
		if err := json.Unmarshal(m.Data, &doc); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, doc)
		w.book.Delivered(m, w.now)
	}
	return out
}

// TestATargetThatComesBackIsToldSoon: however long it was away, and however it refused.
func TestATargetThatComesBackIsToldSoon(t *testing.T) {
	for _, c := range []struct {
		name   string
		is     RefusalKind
		asked  time.Duration
		down   time.Duration
		within time.Duration
	}{
		{"down for nine hours", ForNow, 0, 9 * time.Hour, 30 * time.Second},
		{"refused once by a proxy", Everything, 0, time.Second, 30 * time.Second},
		{"refused for good for an hour", Everything, 0, time.Hour, 5 * time.Minute},
		{"it asks for a pause of two minutes", ForNow, 2 * time.Minute, time.Hour, 2 * time.Minute},
	} {
		w := newWorld(t)
		w.fires("mysql")
		up := w.now.Add(c.down)
		refuse := func(m *Message) bool {
			if w.now.Before(up) {
				w.book.Refused(lang.English(), m, Refusal{"no", c.asked, c.is}, w.now)
			}
			return w.now.Before(up)
		}
		for delivered := false; !delivered; {
			w.now = w.now.Add(time.Second)
			w.book.Pack(lang.English(), w.now, time.Second, nil)
			for _, m := range w.book.Due() {
				if !refuse(m) {
					w.book.Delivered(m, w.now)
					delivered = true
				}
			}
			if late := w.now.Sub(up); late > c.within+2*time.Second {
				t.Fatalf("%s: not told %s after it came back, want within %s", c.name, late, c.within)
			}
		}
	}
}
