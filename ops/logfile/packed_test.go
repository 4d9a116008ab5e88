package logfile

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/store"

	"github.com/klauspost/compress/zstd"
)

// packInto compresses a file next to itself and removes the original.
func packInto(t *testing.T, path, ext string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if ext == ".gz" {
		w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
		w.Write(text)
		w.Close()
	} else {
		w, _ := zstd.NewWriter(&out)
		w.Write(text)
		w.Close()
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+ext, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path + ext
}

// indexed opens a file with a shelf in a store and waits for its index.
func indexed(t *testing.T, shelf *Shelf, path string) (*store.Store, logs.Text) {
	t.Helper()
	store := store.NewStore(time.UTC, time.Now)
	store.Keep(shelf)
	text, err := (&File{path: path, shelf: shelf}).Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	store.Add(path, path, text, false, false)
	rest(store)
	return store, text
}

func TestTheIndexOfAPackedFileIsKeptAndNeedsNoUnpacking(t *testing.T) {
	for _, ext := range []string{".gz", ".zst"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "app__2026-01-29_00-00-00.log")
		fieldMix(t, path, 100_000)
		path = packInto(t, path, ext)
		shelf := NewShelf(filepath.Join(dir, "shelf"), "test")
		first, _ := indexed(t, shelf, path)
		want := first.Stats().All
		rows := rawsOf(first)
		first.Close()

		again, text := indexed(t, shelf, path)
		packed, ok := text.(*packedText)
		if !ok {
			t.Fatalf("%s: unpacked at once", ext)
		}
		again.SetQuery(parsed("level:error"), true)
		rest(again)
		if got := again.Stats(); got.All != want || got.Hits != want.ByLevel[logs.LevelError] {
			t.Errorf("%s: %+v, want %+v", ext, got, want)
		}
		if packed.sp != nil {
			t.Errorf("%s: unpacked to count levels", ext)
		}
		again.SetQuery(parsed(""), true)
		if got := rawsOf(again); len(got) != len(rows) || got[0] != rows[0] || got[len(got)-1] != rows[len(rows)-1] {
			t.Errorf("%s: %d rows, want %d", ext, len(got), len(rows))
		}
		packed.Close() // as when others need the space
		if got := rawsOf(again); len(got) != len(rows) || got[0] != rows[0] {
			t.Errorf("%s: %d rows once packed again, want %d", ext, len(got), len(rows))
		}
		again.Close()
		scan := index.Scan{Query: parsed("ordfail"), Zone: time.UTC, Shelf: shelf}
		plain := index.Scan{Query: parsed("ordfail"), Zone: time.UTC}
		a, errA := scan.Count(t.Context(), group([]string{path}, shelf))
		b, errB := plain.Count(t.Context(), Group([]string{path}))
		if a != b || errA != nil || errB != nil {
			t.Errorf("%s: %d hits, want %d; %v %v", ext, a, b, errA, errB)
		}
	}
}

func TestTheIndexOfAPackedFileIsOnlyOfThatFile(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "app__2026-01-29_00-00-00.log")
	fieldMix(t, plain, 100_000)
	path := packInto(t, plain, ".gz")
	shelf := NewShelf(filepath.Join(dir, "shelf"), "test")
	store, _ := indexed(t, shelf, path)
	store.Close()
	_, text := indexed(t, shelf, path)
	if _, ok := text.(*packedText); !ok {
		t.Fatal("the index was not kept")
	}
	// Overwritten in place: the same inode, another text.
	fieldMix(t, plain, 60_000)
	other, err := os.ReadFile(packInto(t, plain, ".zst"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, other, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := text.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("another file is read for the text")
	}
	now, fresh := indexed(t, shelf, path)
	defer now.Close()
	if _, ok := fresh.(*spool); !ok {
		t.Error("the index of another text is used")
	}
	if n := now.Stats().Lines; n < 60_000 || n > 65_000 {
		t.Errorf("%d lines", n)
	}
}

func TestTheIndexOfADamagedFileIsNotKept(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "app__2026-01-29_00-00-00.log")
	fieldMix(t, plain, 100_000)
	path := packInto(t, plain, ".gz")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()*9/10); err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(filepath.Join(dir, "shelf"), "test")
	for range 2 {
		store := store.NewStore(time.UTC, time.Now)
		store.Keep(shelf)
		text, err := (&File{path: path, shelf: shelf}).Open(context.Background())
		if err == nil || text == nil {
			t.Fatalf("%v, %v: the damage is not told", text, err)
		}
		store.Add(path, path, text, false, false)
		rest(store)
		store.Close()
	}
}
