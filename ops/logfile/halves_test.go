package logfile

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testenv"
	"opsdeck/ops/logs"
)

// taker is a sink that keeps every line, half ones too when they are given out, as a consumer
// that prints them.
type taker struct {
	t       *testing.T
	lines   []string
	running bool
}

type taken struct {
	of   *taker
	text logs.Text
	off  int64 // read up to here
	size int64 // may be read up to here
}

func (s *taker) Begin(_ string, text logs.Text) Track {
	k := &taken{of: s, text: text}
	if !s.running {
		k.off = text.Size()
	}
	return k
}

// read takes the text up to end, of which the last line may be half.
func (k *taken) read(end int64, same func() bool) bool {
	if end <= k.off {
		return true
	}
	buf := make([]byte, end-k.off)
	if n, err := k.text.ReadAt(buf, k.off); n < len(buf) && same() {
		k.of.t.Errorf("read %d of %d bytes at %d: %v", n, len(buf), k.off, err)
	}
	if !same() {
		return false
	}
	k.off = end
	k.of.lines = append(k.of.lines, strings.Split(strings.TrimSuffix(string(buf), "\n"), "\n")...)
	return true
}

func (k *taken) Grow(size int64, same func() bool) bool {
	if size <= k.off {
		return true
	}
	k.size = size
	buf := make([]byte, size-k.off)
	n, _ := k.text.ReadAt(buf, k.off)
	return k.read(k.off+int64(strings.LastIndexByte(string(buf[:n]), '\n'))+1, same)
}

func (k *taken) Settle(same func() bool) bool { return k.read(k.size, same) }
func (k *taken) Swap(text logs.Text)          { k.text = text }
func (k *taken) Lost()                        { k.read(k.size, always) }
func (k *taken) End() {
	k.read(k.size, always)
	k.text.Close()
}

// halver is a world whose writer leaves half lines behind.
type halver struct {
	*world
	half string // what there is of the last line, which has no end yet
}

func (w *halver) put(text string) {
	f := w.held
	if f == nil {
		var err error
		f, err = os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		w.must(err)
	}
	_, err := io.WriteString(f, text)
	w.must(err)
	if w.held = f; !w.holds() && w.way != "renamed before the rest" {
		w.must(f.Close())
		w.held = nil
	}
}

func (w *halver) write(n int) {
	for range n {
		w.end()
		w.begin()
		w.end()
	}
}

// begin writes half a line.
func (w *halver) begin() {
	w.half += fmt.Sprintf("2026-01-29T12:00:00.000Z INFO line %d %s", len(w.wrote), strings.Repeat("x", 1+w.r.IntN(60)))
	w.put(w.half)
}

// end writes its rest, or that of a line of which somebody took the half: a line of its own.
func (w *halver) end() {
	if w.half == "" {
		return
	}
	rest := fmt.Sprintf(" rest %d", len(w.wrote))
	w.put(rest + "\n")
	w.wrote = append(w.wrote, w.half+rest)
	w.half = ""
}

// torn notes that the half line will have no rest.
func (w *halver) torn() {
	if w.half != "" {
		w.wrote = append(w.wrote, w.half)
	}
	w.half = ""
}

// turn rotates the log.
func (w *halver) turn() {
	switch w.way {
	case "flushed":
		w.torn()
		w.must(os.Truncate(w.path, 0))
	case "renamed before the rest": // the writer goes on in the old file for a while
		w.turns++
		w.must(os.Rename(w.path, fmt.Sprintf("%s.%d", w.path, w.turns)))
		w.end()
		w.must(w.held.Close())
		w.held = nil
	default:
		w.torn()
		w.rotate()
	}
}

// TestHalfLinesAreToldOnceOverRotations: random writers leave half lines, which go on, or are all
// there is, over every way of rotation; with and without a look between, and given out when they
// wait for long. What is told equals the writer's own list.
func TestHalfLinesAreToldOnceOverRotations(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	ways := []string{"flushed", "renamed before the rest", "pm2-logrotate", "kubelet", "deleted", "symlink"}
	if real := os.Getenv("OPSDECK_REAL") == "required"; real {
		ways = append(ways, "create", "copytruncate", "copytruncate compress", "create compress")
	}
	seed := testenv.Seed(t)
	for round := range 2 * rotationRounds() {
		r := rand.New(rand.NewPCG(seed+uint64(round), 11))
		way := ways[round%len(ways)]
		if !t.Run(fmt.Sprintf("%d %s", round, way), func(t *testing.T) { halfRound(t, r, way) }) {
			return
		}
	}
}

func halfRound(t *testing.T, r *rand.Rand, way string) {
	dir := t.TempDir()
	w := &halver{world: &world{t: t, r: r, dir: dir, path: filepath.Join(dir, "app-out.log"), way: way}}
	defer func() {
		if w.held != nil {
			w.held.Close()
		}
	}()
	if way == "symlink" {
		w.point()
	}
	w.write(1)
	from := len(w.wrote)
	sink := &taker{t: t}
	var to Sink = sink
	if r.IntN(2) == 0 {
		to = Unwrapped(sink, nil)
	}
	tail := NewTail(w.path, to)
	tail.Look()
	sink.running = true
	var story []string
	tell := func(what string) { story = append(story, what) }
	look := func() {
		tail.Look()
		tell("look")
	}
	for range 12 {
		switch r.IntN(5) {
		case 0:
			w.write(r.IntN(4))
			tell("write")
		case 1:
			w.end()
			w.begin()
			tell("half")
		case 2:
			w.end()
			tell("end")
		case 3:
			if look(); r.IntN(2) == 0 && tail.cur != nil && w.half != "" {
				tail.cur.since = tail.cur.since.Add(-halfFor)
				look()
				w.torn()
				tell("given out")
			}
		case 4:
			look() // what comes before is seen: none can be told of what a flush takes unseen
			if _, err := os.Stat(w.path); err != nil {
				w.write(1)
				look()
			}
			w.turn()
			tell("rotate")
			if r.IntN(2) == 0 {
				look()
			}
			w.write(1 + r.IntN(2))
			tell("write")
		}
	}
	w.torn()
	tail.Close()
	got, want := slices.Sorted(slices.Values(sink.lines)), slices.Sorted(slices.Values(w.wrote[from:]))
	if !slices.Equal(got, want) {
		t.Fatalf("%s\ntold\n%s\nwant\n%s", strings.Join(story, ", "), strings.Join(sink.lines, "\n"),
			strings.Join(w.wrote[from:], "\n"))
	}
}
