package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// numbered are the lines that end in "gN M", as in the tests' generations.
func (c *collect) numbered() (out []string) {
	for _, l := range c.all() {
		if strings.HasPrefix(l, "g") {
			out = append(out, l)
		}
	}
	return out
}

var banner = strings.Repeat("=========== application banner line ==========\n", 10)

// TestAGenerationPackedAtOnceIsToldOnce: logrotate with create and compress compresses the
// file that was renamed a moment before.
func TestAGenerationPackedAtOnceIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	put(t, path, banner+"g0 1\n")
	sink := &collect{t: t}
	tail := NewTail(path, sink)
	tail.Look()
	want := []string{"g0 1"}
	for g := 1; g <= 3; g++ {
		old := fmt.Sprintf("%s.%d", path, 10-g)
		if err := os.Rename(path, old); err != nil {
			t.Fatal(err)
		}
		put(t, path, "")
		tail.Look()
		copyTo(t, old, old+".gz", true)
		os.Remove(old)
		tail.Look()
		line := fmt.Sprintf("g%d 1", g)
		put(t, path, banner+line+"\n")
		tail.Look()
		want = append(want, line)
	}
	if got := sink.numbered(); !slices.Equal(got, want) {
		t.Fatalf("told %q, want %q", got, want)
	}
	tail.Close()
}

// TestGenerationsThatBeginAlikeAreToldApart: several between two checks, and a copy with
// lines not seen yet next to an older one with the same start.
func TestGenerationsThatBeginAlikeAreToldApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	put(t, path+".1", banner+"g0 1\n")
	put(t, path, banner+"g1 1\n")
	sink := &collect{t: t}
	tail := NewTail(path, sink)
	tail.Look()
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	put(t, path, banner+"g1 1\ng1 2\n")
	rename(path+".1", path+".2")
	copyTo(t, path, path+".1", false)
	put(t, path, banner+"g2 1\n")
	tail.Look()
	for g := 3; g <= 5; g++ { // unseen in between
		for n := g; n > 0; n-- {
			if _, err := os.Stat(fmt.Sprintf("%s.%d", path, n)); err == nil {
				rename(fmt.Sprintf("%s.%d", path, n), fmt.Sprintf("%s.%d", path, n+1))
			}
		}
		rename(path, path+".1")
		put(t, path, fmt.Sprintf("%sg%d 1\n", banner, g))
	}
	tail.Look()
	tail.Close()
	if got := sink.numbered(); !slices.Equal(got, []string{"g1 1", "g1 2", "g2 1", "g3 1", "g4 1", "g5 1"}) ||
		sink.lost > 0 {
		t.Fatalf("told %q, lost %d", got, sink.lost)
	}
}
