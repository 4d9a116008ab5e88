package logfile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/ops/logs/index"
	logstore "opsdeck/ops/logs/store"
)

// counted opens a file in a store with a shelf, and returns its lines, events and times,
// and the hits of a query.
func counted(t *testing.T, shelf *Shelf, path string, live bool) string {
	t.Helper()
	store := read(t, shelf, path, live)
	st := store.Stats()
	out := fmt.Sprintf("%d lines, %+v", st.Lines, st.All)
	for _, words := range []string{"ordfail", "level:error", "'timeout took>100"} {
		store.SetQuery(parsed(words), true)
		rest(store)
		out += fmt.Sprintf(", %q %d", words, store.Stats().Hits)
	}
	w := store.Window(logstore.Place{}, 30, 0)
	for _, r := range w.Rows {
		out += fmt.Sprintf("\n%v %s %s", r.Event.Time, r.Event.Level, r.Event.Raw)
	}
	store.Close()
	scan := index.Scan{Query: parsed("ordfail"), Zone: time.UTC}
	if shelf != nil {
		scan.Shelf = shelf
	}
	n, err := scan.Count(context.Background(), Group([]string{path}))
	if err != nil {
		t.Fatal(err)
	}
	return out + fmt.Sprintf("\nscan %d", n)
}

// read opens a file in a store with a shelf and waits for its index.
func read(t *testing.T, shelf *Shelf, path string, live bool) *logstore.Store {
	t.Helper()
	store := logstore.NewStore(time.UTC, time.Now)
	if shelf != nil {
		store.Keep(shelf)
	}
	text, err := NewFile(path).Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	store.Add(path, path, text, live, false)
	rest(store)
	return store
}

func indexes(t *testing.T, dir string) (n int, size int64) {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(e.Name()) != indexExt {
			t.Errorf("%s is left over", e.Name())
		}
		n, size = n+1, size+info.Size()
	}
	return n, size
}

func TestAKeptIndexIsTrustedOnlyForTheSameText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	fieldMix(t, path, 75_000) // three blocks
	original, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]func(t *testing.T){
		"nothing": func(*testing.T) {},
		"appended": func(t *testing.T) {
			f, _ := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			f.WriteString(
				"    at a.b (/app/src/x.ts:1:1)\n2026-01-29T12:00:00Z ERROR failed order: a timeout that took 5000ms\n",
			)
			f.Close()
		},
		"appended blocks": func(t *testing.T) {
			f, _ := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			f.Write(original[:5<<20])
			f.Close()
		},
		"a byte in the middle":    func(t *testing.T) { patch(t, path, int64(len(original)/2), "\n") },
		"a byte near the end":     func(t *testing.T) { patch(t, path, int64(len(original)-5), "x") },
		"cut":                     func(t *testing.T) { os.Truncate(path, int64(len(original)*9/10)) }, // and still worth an index
		"other text, same length": func(t *testing.T) { patch(t, path, 0, string(bytes.ToUpper(original))) },
		"other text, longer": func(t *testing.T) {
			patch(t, path, 0, string(bytes.ReplaceAll(original, []byte("order"), []byte("or-der"))))
		},
		"renamed": func(t *testing.T) { os.Rename(path, path+".1"); os.Rename(path+".1", path) },
		"a new file": func(t *testing.T) {
			os.Remove(path)
			os.WriteFile(path, bytes.ReplaceAll(original, []byte("Order"), []byte("O")), 0o644)
		},
	}
	soak := os.Getenv("OPSDECK_SOAK") != ""
	for name, change := range changes {
		for _, live := range []bool{false, true} {
			if live != (len(name)%2 == 0) && !soak {
				continue // half of them, to save time
			}
			t.Run(fmt.Sprint(name, live), func(t *testing.T) {
				os.WriteFile(path, original, 0o644)
				dir := filepath.Join(t.TempDir(), "index")
				shelf := NewShelf(dir, "v1 UTC")
				read(t, shelf, path, live).Close()
				if n, size := indexes(t, dir); n != 1 || size < 200_000 || size > 3<<20 {
					t.Fatalf("%d indexes of %d bytes", n, size)
				}
				change(t)
				want := counted(t, nil, path, live)
				if got := counted(t, shelf, path, live); got != want {
					t.Errorf("with the kept index\n%s\nwithout\n%s", got, want)
				}
			})
		}
	}
}

func patch(t *testing.T, path string, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), at); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedIndexIsNotTrusted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	fieldMix(t, path, 70_000)
	dir := filepath.Join(t.TempDir(), "index")
	shelf := NewShelf(dir, "v1")
	want := counted(t, shelf, path, false)
	entries, _ := os.ReadDir(dir)
	kept := filepath.Join(dir, entries[0].Name())
	good, _ := os.ReadFile(kept)
	for i := range 6 {
		bad := bytes.Clone(good)
		switch at := (len(bad) - 1) * i / 5; i % 3 {
		case 0:
			bad[at] ^= 0x41
		case 1:
			bad = bad[:at]
		case 2:
			bad = append(bad[:at:at], bad[min(at+1, len(bad)):]...)
		}
		os.WriteFile(kept, bad, 0o600)
		if got := counted(t, shelf, path, false); got != want {
			t.Fatalf("damage %d: got\n%s\nwant\n%s", i, got, want)
		}
	}
	if other := NewShelf(dir, "v2"); true {
		text, _ := NewFile(path).Open(context.Background())
		defer text.Close()
		if k, _ := other.Take(text); k != nil {
			t.Error("the index of another version is taken")
		}
	}
}

func TestTheShelfIsBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	shelf := NewShelf(dir, "v1")
	shelf.room = 700_000
	logs := t.TempDir()
	fieldMix(t, filepath.Join(logs, "0.log"), 70_000)
	text, _ := os.ReadFile(filepath.Join(logs, "0.log"))
	for i := range 4 {
		path := filepath.Join(logs, fmt.Sprintf("%d.log", i))
		os.WriteFile(path, text, 0o644)
		counted(t, shelf, path, false)
	}
	if n, size := indexes(t, dir); size > shelf.room || n == 0 || n == 4 {
		t.Errorf("%d indexes of %d bytes", n, size)
	}
}
