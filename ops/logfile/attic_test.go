package logfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
)

func TestAnAtticKeepsWhatIsPutUntilItIsFull(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log-index")
	a := NewShelf(dir, "").Attic()
	var kept [][]byte
	for i := range 40 {
		data := bytes.Repeat([]byte{byte(i + 1)}, 1<<20+i)
		got, ok := a.Put(data)
		if !ok {
			t.Fatalf("no room for %d", i)
		}
		if kept = append(kept, got); i%7 == 0 {
			a.Rest()
		}
	}
	large := bytes.Repeat([]byte{99}, atticWindow+5)
	got, ok := a.Put(large)
	if kept = append(kept, got); !ok {
		t.Fatal("no room for a large one")
	}
	for i, k := range kept[:40] {
		if len(k) != 1<<20+i || bytes.Count(k, []byte{byte(i + 1)}) != len(k) {
			t.Errorf("%d is not what was put", i)
		}
	}
	if !bytes.Equal(got, large) {
		t.Error("the large one is not what was put")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
	a.f.Close() // as a disk that fails
	if _, ok := a.Put(large); ok {
		t.Error("it keeps what cannot be written")
	}
}

// TestBlocksPutAwayAreReadAsBefore: rows, hits and the timeline of a log whose older blocks are
// put away, that grows on.
func TestBlocksPutAwayAreReadAsBefore(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 1, 29, 0, 0, 0, 0, time.UTC)
	line := func(i int) string {
		level := []string{"INFO", "WARN", "ERROR"}[i%3]
		return fmt.Sprintf("%s %s o %d\n", at.Add(time.Duration(i)*time.Millisecond).Format("15:04:05.000"), level, i)
	}
	const lines = 1_300_000
	for i := range lines {
		b.WriteString("2026-01-29T" + line(i))
	}
	path := filepath.Join(t.TempDir(), "big.log")
	shelf := NewShelf(filepath.Join(t.TempDir(), "log-index"), "")
	look := func(attic *Attic) (said string) {
		s := store.NewStore(time.UTC, time.Now)
		defer s.Close()
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if attic != nil {
			s.PutAway(attic)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		seg := s.Add("m", "m", &liveText{f: file}, false, false)
		settled := func() store.Stats {
			until(t, "the index", func() bool { st := s.Stats(); return st.Done == st.Bytes && !st.Pending })
			return s.Stats()
		}
		settled()
		for _, words := range []string{"", "'77", "level:error"} {
			q, err := query.ParseQuery(words, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			s.SetQuery(q, true)
			st := settled()
			st.FirstHits = 0
			said += fmt.Sprintln(words, st, s.Timeline(t.Context(), time.Time{}, time.Time{}, 60))
			for _, w := range []store.Window{
				s.Window(store.Place{Top: true}, 0, 3), s.Window(store.Place{}, 3, 0),
				s.Window(store.Place{At: at.Add(lines / 3 * time.Millisecond)}, 2, 2),
			} {
				for _, r := range w.Rows {
					said += r.Event.Raw + "\n"
				}
			}
		}
		more := b.String() + "2026-01-29T23:00:00.000 ERROR o one more\n"
		if err := os.WriteFile(path, []byte(more), 0o600); err != nil {
			t.Fatal(err)
		}
		seg.Grow(int64(len(more)), nil)
		settled()
		for _, r := range s.Window(store.Place{}, 3, 0).Rows {
			said += r.Event.Raw + "\n"
		}
		return said + fmt.Sprintln(s.Stats().All)
	}
	want := look(nil)
	attic := shelf.Attic()
	if got := look(attic); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if attic.used == 0 {
		t.Error("nothing was put away")
	}
}
