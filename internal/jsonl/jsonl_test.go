package jsonl

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

type record struct{ N int }

func read(t *testing.T, path string) (all []int) {
	t.Helper()
	if err := Each(path, func(r record) { all = append(all, r.N) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestACutLineCostsThatLineAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "r.jsonl")
	if got := read(t, path); len(got) != 0 {
		t.Fatalf("a missing file holds %v", got)
	}
	for n := 1; n <= 2; n++ {
		if err := Append(path, record{n}); err != nil {
			t.Fatal(err)
		}
	}
	info, _ := os.Stat(path)
	os.Truncate(path, info.Size()-3) // within record 2
	if err := Append(path, record{3}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("got %v, want 1 and 3", got)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
}

// TestALineThatIsNoRecordCostsThatLineAlone: however long what others wrote is.
func TestALineThatIsNoRecordCostsThatLineAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	long := strings.Repeat("x", 3*longest)
	text := "{\"N\": 1}\n" + long + "\n\x00\xff\n\n{\"N\": 2}\n[3]\n" + long
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Append(path, record{4}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !slices.Equal(got, []int{1, 2, 4}) {
		t.Errorf("got %v, want 1, 2 and 4", got)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 25 {
				if err := Append(path, record{w*100 + n}); err != nil {
					t.Error(fmt.Errorf("writer %d: %w", w, err))
				}
			}
		})
	}
	wg.Wait()
	got := read(t, path)
	slices.Sort(got)
	if len(slices.Compact(got)) != 100 {
		t.Errorf("%d records, want 100", len(got))
	}
}
