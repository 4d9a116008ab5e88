package logfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// numbered are numbered lines.
func numbered(of string, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%s line %04d of a log that somebody copies\n", of, i)
	}
	return b.String()
}

// following is a pattern whose files are checked manually.
type following struct {
	globs *Globs
	tails []*Tail
	sink  *collect
}

func follow(t *testing.T, pattern string) *following {
	t.Helper()
	c := Config{Sources: []string{pattern}}
	sources, err := c.Resolve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := &following{globs: c.Globs(nil, sources), sink: &collect{t: t}}
	f.globs.Sink = func(string) Sink { return f.sink }
	for _, s := range sources {
		f.tails = append(f.tails, NewTail(s.Name, f.sink))
	}
	f.look()
	return f
}

// look is one round of Follow.
func (f *following) look() {
	f.globs.looked = f.globs.looked.Add(-globEvery)
	f.tails = append(f.tails, f.globs.fresh(f.tails)...)
	for _, t := range f.tails {
		t.Look()
	}
}

// told fails unless each line of the texts was delivered once.
func (f *following) told(t *testing.T, texts ...string) {
	t.Helper()
	want := strings.Split(strings.TrimSuffix(strings.Join(texts, ""), "\n"), "\n")
	got := f.sink.all()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("told of %d lines, want %d", len(got), len(want))
	}
}

func extend(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// TestACopyOfALogUnderAnotherNameIsToldOnce: somebody copies a log next to it before
// working on it.
func TestACopyOfALogUnderAnotherNameIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	live, saved := filepath.Join(dir, "app-out.log"), filepath.Join(dir, "app-saved-by-li.log")
	put(t, live, numbered("a", 0, 100))
	f := follow(t, filepath.Join(dir, "app-*.log"))
	f.told(t, numbered("a", 0, 100))
	put(t, saved, numbered("a", 0, 100))
	f.look()
	f.look()
	f.told(t, numbered("a", 0, 100))
	extend(t, live, numbered("a", 100, 150)) // only the log grows
	f.look()
	f.told(t, numbered("a", 0, 150))
	extend(t, saved, numbered("b", 0, 20)) // then somebody writes to the copy
	f.look()
	f.told(t, numbered("a", 0, 150), numbered("b", 0, 20))
}

// TestACopyThatIsUnderWayIsToldOnce: it is seen while it grows.
func TestACopyThatIsUnderWayIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	text := numbered("a", 0, 1000)
	put(t, filepath.Join(dir, "app-out.log"), text)
	f := follow(t, filepath.Join(dir, "app-*.log"))
	saved := filepath.Join(dir, "app-copy.log")
	extend(t, saved, "") // it is created before anything is in it
	f.look()
	for at := 0; at < len(text); at += 10_000 {
		extend(t, saved, text[at:min(len(text), at+10_000)])
		f.look()
	}
	f.told(t, text)
	extend(t, saved, numbered("b", 0, 20)) // then somebody writes to the copy
	f.look()
	f.told(t, text, numbered("b", 0, 20))
}

// TestALogThatIsCreatedEmptyIsToldWhole: it is no copy of the one beside it.
func TestALogThatIsCreatedEmptyIsToldWhole(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "app-0.log"), numbered("a", 0, 50))
	f := follow(t, filepath.Join(dir, "app-*.log"))
	other := filepath.Join(dir, "app-1.log")
	for _, text := range []string{"", numbered("b", 0, 50), numbered("b", 50, 60)} {
		extend(t, other, text)
		f.look()
	}
	f.told(t, numbered("a", 0, 50), numbered("b", 0, 60))
	put(t, other, numbered("c", 0, 10)) // it starts anew
	f.look()
	f.look()
	f.told(t, numbered("a", 0, 50), numbered("b", 0, 60), numbered("c", 0, 10))
}

// TestACopyOfALogThatWasEmptiedThenIsToldOnce: manual cp and truncate, under a name that
// no rotation uses. Lines written between two checks are delivered from the copy.
func TestACopyOfALogThatWasEmptiedThenIsToldOnce(t *testing.T) {
	for _, unseen := range []int{0, 30} {
		dir := t.TempDir()
		live := filepath.Join(dir, "app-out.log")
		put(t, live, numbered("a", 0, 100))
		f := follow(t, filepath.Join(dir, "app-*.log"))
		extend(t, live, numbered("a", 100, 100+unseen))
		put(t, filepath.Join(dir, "app-before-the-fix.log"), numbered("a", 0, 100+unseen))
		put(t, live, numbered("n", 0, 5))
		for _, tail := range f.tails { // the emptied log is seen before the copy
			tail.Look()
		}
		f.look()
		f.look()
		f.told(t, numbered("a", 0, 100+unseen), numbered("n", 0, 5))
	}
}

// TestALogThatBeginsLikeAnotherIsToldWhole: two instances print the same few lines.
func TestALogThatBeginsLikeAnotherIsToldWhole(t *testing.T) {
	dir := t.TempDir()
	begin := "listening on 3000\nready\n"
	put(t, filepath.Join(dir, "app-0.log"), begin+numbered("a", 0, 50))
	f := follow(t, filepath.Join(dir, "app-*.log"))
	put(t, filepath.Join(dir, "app-1.log"), begin)
	f.look()
	extend(t, filepath.Join(dir, "app-1.log"), numbered("b", 0, 50))
	f.look()
	f.told(t, begin, numbered("a", 0, 50), begin, numbered("b", 0, 50))
}
