package store

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/ops/logs"
	logindex "opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
)

// growing is a text that grows.
type growing struct {
	mu  sync.Mutex
	buf []byte
}

func (g *growing) append(s string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buf = append(g.buf, s...)
	return int64(len(g.buf))
}

func (g *growing) ReadAt(p []byte, off int64) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return copy(p, g.buf[min(off, int64(len(g.buf))):]), nil
}

func (g *growing) Size() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(len(g.buf))
}
func (g *growing) Close() error { return nil }

// quiet waits until the store has nothing left to do.
func quiet(t testing.TB, s *Store) Stats {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; {
		st := s.Stats()
		if st.Done == st.Bytes && !st.Pending {
			return st
		}
		if time.Now().After(end) {
			t.Fatalf("the store does not come to rest: %+v", st)
		}
		runtime.Gosched()
		select {
		case <-s.Changed():
		case <-time.After(time.Millisecond):
		}
	}
}

// allRows goes through all rows in windows, downwards.
func allRows(s *Store) (out []Row) {
	w := s.Window(Place{Top: true}, 0, 100)
	for len(w.Rows) > 0 {
		out = append(out, w.Rows...)
		w = s.Window(Place{Row: out[len(out)-1].ID, Skip: 1}, 0, 100)
	}
	return out
}

func newTestStore(t testing.TB) *Store {
	s := NewStore(time.UTC, func() time.Time { return testNow })
	t.Cleanup(s.Close)
	return s
}

func TestStoreAgreesWithTheModel(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(9, 9)), 3000)
	s := newTestStore(t)
	s.Add("m", "m", inMemory(text), false, false)
	for _, words := range modelQueries {
		q, _ := query.ParseQuery(words, testNow)
		s.SetQuery(q, true)
		want := modelHits(q, text)
		st := quiet(t, s)
		if st.Rows != int64(len(want)) {
			t.Errorf("%q: %d rows, the model has %d", words, st.Rows, len(want))
			continue
		}
		rows := allRows(s)
		lines := strings.SplitAfter(text, "\n")
		offs := map[int64]int64{}
		off := int64(0)
		for i, l := range lines {
			offs[off] = int64(i) + 1
			off += int64(len(l))
		}
		for i, r := range rows {
			if i >= len(want) || offs[r.ID.Off] != want[i] {
				t.Errorf("%q: row %d is line %d of %d rows", words, i, offs[r.ID.Off], len(rows))
				break
			}
		}
	}
}

func TestStoreGrowsWithoutLosingOrDoubling(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		text := randomLog(r, 1500)
		g := &growing{}
		first := r.IntN(len(text))
		g.append(text[:first])
		s := newTestStore(t)
		q, _ := query.ParseQuery([]string{"", "order", "level:error"}[seed%3], testNow)
		s.SetQuery(q, true)
		seg := s.Add("m", "m", g, true, false)
		for at := first; at < len(text); {
			n := min(1+r.IntN(900), len(text)-at)
			seg.Grow(g.append(text[at:at+n]), nil)
			at += n
			if r.IntN(4) == 0 {
				quiet(t, s)
			}
		}
		seg.Finish()
		st := quiet(t, s)
		want := modelHits(q, text)
		rows := allRows(s)
		if st.Rows != int64(len(want)) || len(rows) != len(want) {
			t.Errorf("seed %d: %d rows, walked %d, the model has %d", seed, st.Rows, len(rows), len(want))
		}
		all := &query.Query{}
		if want := int64(len(modelHits(all, text))); st.All.Events != want {
			t.Errorf("seed %d: %d events counted, the model has %d", seed, st.All.Events, want)
		}
	}
}

func TestSourcesAreMergedByTimeUpAndDown(t *testing.T) {
	s := newTestStore(t)
	var a, b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&a, "2026-01-29T09:%02d:%02d.000Z INFO a%d\n", i/60, i%60, i)
		if i%3 == 0 {
			fmt.Fprintf(&b, "2026-01-29T09:%02d:%02d.000Z ERROR b%d\n    at x\n", i/60, i%60, i)
		}
	}
	s.Add("a", "a", inMemory(a.String()), false, false)
	s.Add("b", "b", inMemory(b.String()), false, false)
	quiet(t, s)
	down := allRows(s)
	if len(down) != 500+167 {
		t.Fatalf("%d rows", len(down))
	}
	for i := 1; i < len(down); i++ {
		if down[i].Event.Time.Before(down[i-1].Event.Time) {
			t.Fatalf("row %d goes back in time", i)
		}
	}
	up := s.Window(Place{}, 1000, 0).Rows
	if len(up) != len(down) {
		t.Fatalf("%d rows upwards, %d downwards", len(up), len(down))
	}
	for i := range up {
		if up[i].ID != down[i].ID {
			t.Fatalf("row %d: %v upwards, %v downwards", i, up[i].ID, down[i].ID)
		}
	}
	for _, i := range []int{0, 1, 250, 400, len(down) - 1} {
		w := s.Window(Place{Row: down[i].ID}, 3, 3)
		if w.Stats.Index != int64(i) {
			t.Errorf("row %d has index %d", i, w.Stats.Index)
		}
		if w.Rows[w.Above].ID != down[i].ID {
			t.Errorf("row %d: the window begins at %v", i, w.Rows[w.Above].ID)
		}
	}
	id, ok := s.Next(down[0].ID, MarkError, true)
	if !ok || id != down[1].ID {
		t.Errorf("the next error after the first row is %v, want %v", id, down[1].ID)
	}
	at := time.Date(2026, 1, 29, 9, 4, 0, 0, time.UTC)
	if w := s.Window(Place{At: at}, 1, 1); !w.Rows[w.Above].Event.Time.Equal(at) || !w.Rows[0].Event.Time.Before(at) {
		t.Errorf("at %v there is %v", at, w.Rows[w.Above].Event.Time)
	}
}

func TestTimelineCountsEveryRowOnce(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(5, 5)), 1000)
	s := newTestStore(t)
	s.Add("m", "m", inMemory(text), false, false)
	q, _ := query.ParseQuery("order", testNow)
	s.SetQuery(q, true)
	st := quiet(t, s)
	sum := int64(0)
	for _, c := range s.Timeline(t.Context(), time.Time{}, time.Time{}, 80).Counts {
		for _, n := range c {
			sum += int64(n)
		}
	}
	if sum != st.Rows {
		t.Fatalf("%d counted of %d rows", sum, st.Rows)
	}
}

func TestPatternsTellWhatIsNewAndSurging(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 29, 0, 0, 0, 0, time.UTC)
	for i := range 600 { // ten hours, one a minute
		fmt.Fprintf(&b, "%s INFO cache miss key=orders:%d\n", at.Format(time.RFC3339), i)
		if i%30 == 0 {
			fmt.Fprintf(&b, "%s WARN retry %d of 3\n", at.Format(time.RFC3339), i)
		}
		if i > 560 {
			fmt.Fprintf(&b, "%s WARN retry %d of 3\n", at.Format(time.RFC3339), i)
			fmt.Fprintf(&b, "%s ERROR Unable to connect to the database. Retrying (%d)\n", at.Format(time.RFC3339), i)
		}
		at = at.Add(time.Minute)
	}
	s := newTestStore(t)
	s.Add("m", "m", inMemory(b.String()), false, false)
	quiet(t, s)
	got := map[string]PatternState{}
	list, compared := s.Patterns(t.Context(), time.Time{})
	if !compared.Healthy || !compared.Since.Equal(at.Add(-time.Minute-time.Hour)) {
		t.Errorf("compared since %v", compared)
	}
	for _, p := range list {
		got[p.Text] = p.State
	}
	want := map[string]PatternState{
		"Unable to connect to the database. Retrying (#)": PatternNew,
		"retry # of #":            PatternSurging,
		"cache miss key=orders:#": PatternSteady,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if !list[0].Critical || list[0].Count != 39 {
		t.Errorf("first is %+v", list[0])
	}
}

func TestANewerQueryEndsTheOlder(t *testing.T) {
	text := randomLog(rand.New(rand.NewPCG(2, 2)), 30_000)
	s := newTestStore(t)
	s.Add("m", "m", inMemory(text), false, false)
	for i := range 40 {
		q, _ := query.ParseQuery("order "+fmt.Sprint(i), testNow)
		s.SetQuery(q, true)
	}
	last, _ := query.ParseQuery("order 7", testNow)
	s.SetQuery(last, true)
	if st, want := quiet(t, s), len(modelHits(last, text)); st.Rows != int64(want) {
		t.Fatalf("%d rows, want %d", st.Rows, want)
	}
}

// TestOneSourceIsAskedFor: by any of its names, in its rotated files too, and the
// search comes to its end.
func TestOneSourceIsAskedFor(t *testing.T) {
	s := newTestStore(t)
	var sources []logs.Source
	for _, name := range []string{"/l/app-out.log", "/l/app-error.log"} {
		src := logs.Source{Name: name}
		for _, part := range []string{strings.TrimSuffix(name, ".log") + "__2026-01-29_00-00-00.log.gz", name} {
			text := "2026-01-29T09:00:00Z INFO [S" + "1] took 5ms in " + name + "\n"
			src.Parts = append(src.Parts, memPart{part, text})
			s.Add(name, part, inMemory(text), false, false)
		}
		sources = append(sources, src)
	}
	for words, want := range map[string]int64{"source:app-err*": 2, "source:app-error": 2, "source:app-error.log": 2,
		"source:*/app-out.log": 2, "source:app*": 4, "source:x*": 0, "source:error": 2, "source:p-": 4,
		"!source:out": 2, "source:err*": 0, "!source:app-out": 2, "source:app-out,app-error took>4": 4,
		"source:app-error context:s* took>4": 2, "source:app-error 'out": 0, "source:app-error 'error": 2} {
		q, err := query.ParseQuery(words, testNow)
		if err != nil {
			t.Fatal(err)
		}
		s.SetQuery(q, true)
		if st := quiet(t, s); st.Rows != want {
			t.Errorf("%s: %d rows, want %d", words, st.Rows, want)
		}
		if n, err := (&logindex.Scan{Query: q, Zone: time.UTC, Now: testNow}).Count(t.Context(), sources); err != nil ||
			n != want {
			t.Errorf("%s: %d counted, want %d, %v", words, n, want, err)
		}
	}
}
