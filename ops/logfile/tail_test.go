package logfile

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"opsdeck/internal/testenv"
	"opsdeck/ops/logs"
)

// collect is a sink that keeps every delivered line.
type collect struct {
	t     *testing.T
	mu    sync.Mutex
	lines []string
	lost  int

	settled []string // half lines, given out
	halves  []string // at the ends of lost texts
}

type collected struct {
	c    *collect
	text logs.Text
	off  int64
	half string
}

func (c *collect) Begin(_ string, text logs.Text) Track { return &collected{c: c, text: text} }

func (k *collected) Grow(size int64, same func() bool) bool {
	buf := make([]byte, size-k.off)
	if n, err := k.text.ReadAt(buf, k.off); n < len(buf) && same() {
		k.c.t.Errorf("read %d of %d bytes at %d: %v", n, len(buf), k.off, err)
	}
	if !same() {
		return false
	}
	k.off = size
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	k.half += string(buf)
	for {
		line, rest, ok := strings.Cut(k.half, "\n")
		if !ok {
			break
		}
		k.c.lines = append(k.c.lines, line)
		k.half = rest
	}
	return true
}

func (k *collected) Settle(func() bool) bool {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	k.c.settled = append(k.c.settled, k.half)
	return true
}
func (k *collected) Swap(text logs.Text) { k.text = text }
func (k *collected) End()                { k.text.Close() }
func (k *collected) Lost() {
	k.c.lost++
	k.c.halves = append(k.c.halves, k.half)
}

func (c *collect) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lines)
}

// rotator writes numbered lines to a file and rotates it in every known way.
type rotator struct {
	t      *testing.T
	r      *rand.Rand
	path   string
	f      *os.File
	n, gen int
}

func (w *rotator) open() {
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	w.f = f
}

func (w *rotator) write(lines int) {
	for range lines {
		line := fmt.Sprintf("2026-01-29T12:00:00.000Z INFO line %d %s\n", w.n, strings.Repeat("x", w.r.IntN(80)))
		if w.r.IntN(5) == 0 { // in halves
			at := w.r.IntN(len(line))
			io.WriteString(w.f, line[:at])
			line = line[at:]
		}
		io.WriteString(w.f, line)
		w.n++
	}
}

func (w *rotator) rotate() {
	w.gen++
	at := time.Date(2026, 1, 29, 0, 0, w.gen, 0, time.UTC)
	name := strings.TrimSuffix(w.path, ".log") + "__" + at.Format("2006-01-02_15-04-05") + ".log"
	switch w.r.IntN(4) {
	case 0: // rename, and continue writing to the old one for a while
		os.Rename(w.path, name)
		w.write(w.r.IntN(4))
		w.f.Close()
		w.open()
	case 1: // copy and truncate
		copyTo(w.t, w.path, name, false)
		w.f.Truncate(0)
	case 2: // compressed copy, then truncate, as pm2-logrotate does
		copyTo(w.t, w.path, name+".gz", true)
		w.f.Truncate(0)
	case 3: // delete and recreate
		w.f.Close()
		os.Rename(w.path, name)
		if w.r.IntN(2) == 0 {
			time.Sleep(time.Millisecond)
		}
		w.open()
	}
}

func copyTo(t *testing.T, from, to string, pack bool) {
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !pack {
		f.Write(data)
		return
	}
	z := gzip.NewWriter(f)
	z.Write(data)
	z.Close()
}

func rotations() int {
	if os.Getenv("OPSDECK_SOAK") != "" {
		return 10_000
	}
	return 1000
}

func TestNothingIsLostOrDoubledOverRandomRotations(t *testing.T) {
	dir := t.TempDir()
	w := &rotator{t: t, r: rand.New(rand.NewPCG(testenv.Seed(t), 2)), path: filepath.Join(dir, "app-out.log")}
	w.open()
	sink := &collect{t: t}
	tail := NewTail(w.path, sink)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { Follow(ctx, []*Tail{tail}, nil, nil); close(done) }()
	for range rotations() {
		w.write(w.r.IntN(60))
		if w.r.IntN(3) > 0 {
			time.Sleep(time.Duration(w.r.IntN(3000)) * time.Microsecond)
		}
		w.rotate()
	}
	w.write(10)
	for end := time.Now().Add(2 * time.Minute); sink.count() < w.n && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-done
	tail.Close()
	seen := map[string]int{}
	for _, l := range sink.lines {
		f := strings.Fields(l)
		if len(f) < 4 {
			t.Fatalf("torn line %q", l)
		}
		seen[f[3]]++
	}
	lost, doubled := 0, 0
	for i := range w.n {
		switch n := seen[fmt.Sprint(i)]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	if lost > 0 || doubled > 0 || len(sink.lines) != w.n {
		t.Fatalf(
			"of %d lines over %d rotations %d were lost, %d doubled, %d told",
			w.n,
			w.gen,
			lost,
			doubled,
			len(sink.lines),
		)
	}
}

func TestTruncationWithNoCopyIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	os.WriteFile(path, []byte("one\ntwo\n"), 0o644)
	sink := &collect{t: t}
	tail := NewTail(path, sink)
	tail.Look()
	os.WriteFile(path, []byte("three is longer than both\n"), 0o644) // past the previous position
	tail.Look()
	if got := strings.Join(sink.lines, " "); got != "one two three is longer than both" || sink.lost != 1 {
		t.Fatalf("told %q, lost %d", got, sink.lost)
	}
}

func TestAHalfLineWaitsForItsRest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f, _ := os.Create(path)
	sink := &collect{t: t}
	tail := NewTail(path, sink)
	f.WriteString("one\nhal")
	tail.Look()
	if sink.count() != 1 || sink.lines[0] != "one" {
		t.Fatalf("told %q", sink.lines)
	}
	f.WriteString("f\n")
	tail.Look()
	if sink.count() != 2 || sink.lines[1] != "half" {
		t.Fatalf("told %q", sink.lines)
	}
}

// TestAHalfLineIsGivenOut: when it did not go on for long, once; its rest is a line of its own.
func TestAHalfLineIsGivenOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f, _ := os.Create(path)
	defer f.Close()
	sink := &collect{t: t}
	tail := NewTail(path, sink)
	late := func(by time.Duration) {
		tail.Look()
		tail.cur.since = tail.cur.since.Add(-by)
		tail.Look()
	}
	f.WriteString("one\nhal")
	if late(quietAfter); len(sink.settled) > 0 {
		t.Fatalf("given out at once: %q", sink.settled)
	}
	f.WriteString("f")
	if late(quietAfter); len(sink.settled) > 0 {
		t.Fatalf("given out while it grows: %q", sink.settled)
	}
	for range 3 {
		late(halfFor)
	}
	if got := strings.Join(sink.settled, " "); got != "half" {
		t.Fatalf("given out %q", got)
	}
	f.WriteString(" a\n")
	for range 3 {
		late(halfFor)
	}
	if len(sink.settled) > 1 {
		t.Fatalf("given out %q", sink.settled)
	}
}

// TestAHalfLineOutlivesItsFile: one that was seen before its file was truncated, and nothing of
// what the file has then.
func TestAHalfLineOutlivesItsFile(t *testing.T) {
	for name, grow := range map[string]string{"empty": "", "short": "b\n", "long": strings.Repeat("longer than before\n", 9)} {
		path := filepath.Join(t.TempDir(), "a.log")
		put(t, path, "one\nhalf")
		sink := &collect{t: t}
		tail := NewTail(path, Unwrapped(sink, nil))
		tail.Look()
		put(t, path, grow)
		tail.Look()
		if sink.lost != 1 || len(sink.halves) != 1 || sink.halves[0] != "half" {
			t.Errorf("%s: lost %d, halves %q", name, sink.lost, sink.halves)
		}
		if got := strings.Join(sink.lines, "\n") + "\n"; got != "one\n"+grow {
			t.Errorf("%s: told %q", name, got)
		}
		tail.Close()
	}
}

func TestGenerationsAreOneSourceInTheOrderOfTime(t *testing.T) {
	paths := []string{
		"/l/q-out.log", "/l/q-out__2026-01-29_00-00-00.log.gz", "/l/q-out__2026-01-28_00-00-00.log.zst", "/l/q-out__2026-01-30_00-00-00.log.gz",
		"/l/q-out__2026-01-30_00-00-00.log", "/l/q-error.log", "/l/syslog.log.1", "/l/syslog.log.10.gz",
		"/l/syslog.log.2.gz", "/l/syslog.log", "/l/n.log-20260128.gz", "/l/n.log-20260127", "/l/n.log",
	}
	var got []string
	for _, s := range Group(paths) {
		line := s.Name + ":"
		for _, p := range s.Parts {
			line += " " + strings.TrimPrefix(p.Name(), "/l/")
		}
		got = append(got, line)
	}
	want := []string{
		"/l/n.log: n.log-20260127 n.log-20260128.gz n.log",
		"/l/q-error.log: q-error.log",
		"/l/q-out.log: q-out__2026-01-28_00-00-00.log.zst q-out__2026-01-29_00-00-00.log.gz " +
			"q-out__2026-01-30_00-00-00.log q-out.log",
		"/l/syslog.log: syslog.log.10.gz syslog.log.2.gz syslog.log.1 syslog.log",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
