package logfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/ops/logs/store"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *collect) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lines)
}

// TestAFileThatComesToFitAPatternIsFollowed: also if nothing existed at first and with
// rotated files from before it was seen, but not a followed file that was renamed.
func TestAFileThatComesToFitAPatternIsFollowed(t *testing.T) {
	dir := t.TempDir()
	c := Config{Follow: true}
	names := []string{filepath.Join(dir, "app-*.log")}
	sources, err := c.Resolve(t.Context(), names)
	if err != nil || len(sources) != 0 {
		t.Fatalf("%v, %v", sources, err)
	}
	sink := &collect{t: t}
	globs := c.Globs(names, sources)
	if got := globs.Empty(nil); !slices.Equal(got, names) {
		t.Fatalf("without a file: %q", got)
	}
	globs.Sink = func(string) Sink { return sink }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { Follow(ctx, nil, globs, nil); close(done) }()
	defer func() { cancel(); <-done }()
	live := filepath.Join(dir, "app-28.log")
	put(t, live, "one\n")
	until(t, "the first file", func() bool { return sink.count() == 1 })
	if err := os.Rename(live, filepath.Join(dir, "app-old.log")); err != nil {
		t.Fatal(err)
	}
	put(t, live, "two\n")
	put(t, filepath.Join(dir, "app-29.log.1"), "three\n")
	put(t, filepath.Join(dir, "app-29.log"), "four\n")
	until(t, "the next day", func() bool { return slices.Contains(sink.all(), "four") })
	got := sink.all()
	if slices.Sort(got); !slices.Equal(got, []string{"four", "one", "three", "two"}) {
		t.Fatalf("told %q", got)
	}
}

// TestAPatternCanBeAPartOfAConfiguredName: only files with that name are waited for.
func TestAPatternCanBeAPartOfAConfiguredName(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "q-out.log"), "one\n")
	c := Config{Sources: []string{filepath.Join(dir, "*.log")}}
	sources, err := c.Resolve(t.Context(), []string{"q-out"})
	if err != nil {
		t.Fatal(err)
	}
	globs := c.Globs([]string{"q-out"}, sources)
	globs.Sink = func(string) Sink { return &collect{t: t} }
	put(t, filepath.Join(dir, "q-out-2.log"), "two\n")
	put(t, filepath.Join(dir, "q-error.log"), "three\n")
	if got := globs.fresh(nil); len(got) != 1 || filepath.Base(got[0].path) != "q-out-2.log" {
		t.Fatalf("%d came", len(got))
	}
}

// TestTheTabFollowsWhatComesToFit: as the command does.
func TestTheTabFollowsWhatComesToFit(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "q-0.log"), "2026-01-29T12:00:00Z INFO one\n")
	c := Config{Sources: []string{filepath.Join(dir, "q-*.log")}}
	sources, err := c.Resolve(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	store := store.NewStore(time.UTC, time.Now)
	defer store.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { c.Feed(ctx, store, sources, store.Fail); close(done) }()
	defer func() { cancel(); <-done }()
	until(t, "the first file", func() bool { return store.Stats().Lines == 1 })
	put(t, filepath.Join(dir, "q-1.log"), "2026-01-29T12:00:01Z INFO two\n")
	until(t, "the second file", func() bool { return store.Stats().Lines == 2 })
}

// TestAFileThatCannotBeReadIsNamedOnce: and followed once it can be read.
func TestAFileThatCannotBeReadIsNamedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.Mkdir(path, 0o755); err != nil { // unreadable even for root
		t.Fatal(err)
	}
	sink := &collect{t: t}
	tail := NewTail(path, sink)
	var told []error
	tail.OnError(func(err error) { told = append(told, err) })
	for range 3 {
		tail.Look()
	}
	if len(told) != 1 {
		t.Fatalf("told %v", told)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	tail.Look()
	put(t, path, "one\n")
	tail.Look()
	if tail.Look(); len(told) != 1 || sink.count() != 1 {
		t.Fatalf("told %v, %q", told, sink.lines)
	}
	tail.Close()
}

// TestAFollowedFileThatIsTakenAwayIsNamed: replaced by a folder or a pipe at once, gone
// only when it stays away for longer than a rotation takes; and what comes back is read.
func TestAFollowedFileThatIsTakenAwayIsNamed(t *testing.T) {
	for want, replace := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"packed":   func(path string) error { return os.WriteFile(path, gzipped(t, "two\n"), 0o600) },
		"a device": func(path string) error { return os.Symlink("/dev/null", path) },
		"gone":     func(string) error { return nil },
	} {
		path := filepath.Join(t.TempDir(), "a.log")
		put(t, path, "one\n")
		sink := &collect{t: t}
		tail := NewTail(path, sink)
		var told []string
		tail.OnError(func(err error) { told = append(told, err.Error()) })
		back := 0
		tail.OnBack(func() { back++ })
		tail.Look()
		if err := errors.Join(os.Remove(path), replace(path)); err != nil {
			t.Fatal(err)
		}
		tail.Look()
		if want == "gone" {
			if len(told) > 0 {
				t.Errorf("told at once: %v", told)
			}
			tail.missing = tail.missing.Add(-goneAfter)
		}
		tail.Look()
		tail.Look()
		if len(told) != 1 || !strings.Contains(told[0], want) || back != 0 {
			t.Errorf("%s: told %q, back %d", want, told, back)
		}
		if err := os.Remove(path); err != nil && want != "gone" {
			t.Fatal(err)
		}
		put(t, path, "two\n")
		tail.Look()
		if tail.Look(); len(told) != 1 || back != 1 || sink.count() != 2 {
			t.Errorf("%s: told %q, back %d, %q", want, told, back, sink.lines)
		}
		tail.Close()
	}
}
