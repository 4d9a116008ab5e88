package logfile

import (
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testenv"
	"opsdeck/ops/logs"
)

// logrotateWays are the rotations of a real logrotate, by configuration. If it compresses
// a file that the writer may still write to, writers open the file for each line.
var logrotateWays = map[string]string{
	"create":                  "create",
	"create compress":         "create\ncompress",
	"delaycompress":           "create\ncompress\ndelaycompress",
	"dateext":                 "create\ndateext\ndateformat -%Y%m%d",
	"dateext compress":        "create\ncompress\ndateext\ndateformat -%Y%m%d",
	"copytruncate":            "copytruncate",
	"copytruncate compress":   "copytruncate\ncompress",
	"copytruncate dateext":    "copytruncate\ndateext\ndateformat -%Y%m%d\ncompress\ndelaycompress",
	"nocreate, made by next":  "nocreate",
	"copytruncate extension":  "copytruncate\nextension .log",
	"copytruncate inner date": "copytruncate\nextension .log\ndateext\ndateformat -%Y%m%d",
	"create extension":        "create\nextension .log\ncompress\ndelaycompress",
	"copytruncate start 0":    "copytruncate\nstart 0\ncompress",
}

// world is one log, its writer's own list of the written lines, and its rotation.
type world struct {
	t     *testing.T
	r     *rand.Rand
	dir   string
	path  string
	way   string
	wrote []string
	turns int
	held  *os.File // of a writer that keeps the file open
}

// holds reports whether the writer keeps the file open, as Node does.
func (w *world) holds() bool { return strings.HasPrefix(w.way, "copytruncate") || w.way == "docker" }

func (w *world) write(n int) {
	for range n {
		f := w.held
		if f == nil {
			var err error
			if f, err = os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644); err != nil {
				w.t.Fatal(err)
			}
		}
		line := fmt.Sprintf("2026-01-29T12:00:00.000Z INFO line %d %s", len(w.wrote), strings.Repeat("x", w.r.IntN(60)))
		w.wrote = append(w.wrote, line)
		cut := w.r.IntN(len(line))
		io.WriteString(f, line[:cut])
		io.WriteString(f, line[cut:]+"\n")
		if w.held = f; !w.holds() {
			f.Close()
			w.held = nil
		}
	}
}

func (w *world) rotate() {
	w.turns++
	switch config, real := logrotateWays[w.way]; {
	case real:
		w.logrotate(config)
	case w.way == "pm2-logrotate":
		at := time.Date(2026, 1, 29, 0, 0, w.turns, 0, time.UTC).Format("2006-01-02_15-04-05")
		copyTo(w.t, w.path, strings.TrimSuffix(w.path, ".log")+"__"+at+".log.gz", true)
		os.Truncate(w.path, 0)
	case w.way == "docker":
		w.held.Close()
		w.held = nil
		w.shift()
		w.write(1)
	case w.way == "kubelet":
		name := w.path + "." + time.Date(2026, 1, 29, 0, 0, w.turns, 0, time.UTC).Format("20060102-150405")
		w.must(os.Rename(w.path, name))
		if w.r.IntN(2) == 0 {
			w.gzip(name)
		}
	case w.way == "deleted":
		w.must(os.Remove(w.path))
	case w.way == "symlink": // to another file
		w.point()
	}
}

// point makes the name a link to a new file, as loggers with a file per day do.
func (w *world) point() {
	link := w.path + ".new"
	w.must(os.Symlink(filepath.Join(w.dir, fmt.Sprintf("day-%d.log", w.turns)), link))
	w.must(os.Rename(link, w.path))
}

// unseen reports whether what is rotated before anybody looked cannot be found again.
func (w *world) unseen() bool { return w.way == "deleted" || w.way == "symlink" }

// shift renumbers the generations, as Docker does.
func (w *world) shift() {
	for n := 30; n > 0; n-- {
		os.Rename(w.path+"."+strconv.Itoa(n), w.path+"."+strconv.Itoa(n+1))
	}
	w.must(os.Rename(w.path, w.path+".1"))
}

func (w *world) gzip(name string) {
	data, err := os.ReadFile(name)
	w.must(err)
	f, err := os.Create(name + ".gz")
	w.must(err)
	z := gzip.NewWriter(f)
	z.Write(data)
	w.must(z.Close())
	w.must(f.Close())
	w.must(os.Remove(name))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// logrotate runs the real program; with dates as names each run is another day.
func (w *world) logrotate(config string) {
	w.t.Helper()
	conf := filepath.Join(w.dir, "conf", "logrotate.conf")
	w.must(os.MkdirAll(filepath.Dir(conf), 0o755))
	text := w.path + " {\nrotate 100\nmissingok\nnotifempty\n" + config + "\n}\n"
	w.must(os.WriteFile(conf, []byte(text), 0o644))
	args := []string{"logrotate", "--force", "--state", conf + ".state", conf}
	if strings.Contains(config, "dateext") {
		args = append([]string{"faketime", "-f", fmt.Sprintf("+%dd", w.turns)}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%q: %v\n%s", args, err, out)
	}
}

// afterStart is a sink that omits what existed when following started, as logs -f does.
type afterStart struct {
	*collect
	running bool
}

func (s *afterStart) Begin(name string, text logs.Text) Track {
	k := &collected{c: s.collect, text: text}
	if !s.running {
		k.off = text.Size()
	}
	return k
}

func rotationRounds() int {
	if n, err := strconv.Atoi(os.Getenv("OPSDECK_ROTATIONS")); err == nil {
		return n
	}
	return 50
}

// TestEachLineIsToldOnceOverRealRotations: random writers, every way of rotation, none to
// several rotations between two checks, and restarts of the follower. The delivered lines
// equal the writer's own list, in its order.
func TestEachLineIsToldOnceOverRealRotations(t *testing.T) {
	for _, tool := range []string{"logrotate", "faketime"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if _, err := os.Stat("/usr/sbin/" + tool); err != nil {
			if os.Getenv("OPSDECK_REAL") == "required" {
				t.Fatalf("no %s", tool)
			}
			t.Skipf("no %s", tool)
		}
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	ways := []string{"pm2-logrotate", "docker", "kubelet", "deleted", "symlink"}
	for way := range logrotateWays {
		ways = append(ways, way)
	}
	seed := testenv.Seed(t)
	for round := range rotationRounds() {
		r := rand.New(rand.NewPCG(seed+uint64(round), 7))
		way := ways[round%len(ways)]
		if !t.Run(fmt.Sprintf("%d %s", round, way), func(t *testing.T) { rotationRound(t, r, way) }) {
			return
		}
	}
}

func rotationRound(t *testing.T, r *rand.Rand, way string) {
	dir := t.TempDir()
	w := &world{t: t, r: r, dir: dir, path: filepath.Join(dir, "app-out.log"), way: way}
	defer func() {
		if w.held != nil {
			w.held.Close()
		}
	}()
	if way == "symlink" {
		w.point()
	}
	w.write(1 + r.IntN(5))
	for start := range 2 {
		from := len(w.wrote)
		sink := &afterStart{collect: &collect{t: t}}
		tail := NewTail(w.path, sink)
		tail.Look()
		sink.running = true
		var story []string
		for range 6 {
			if r.IntN(3) > 0 {
				tail.Look()
				story = append(story, "look")
			}
			n := r.IntN(4)
			w.write(n)
			story = append(story, fmt.Sprintf("write %d", n))
			if w.unseen() {
				tail.Look()
			}
			for range r.IntN(3) {
				if _, err := os.Stat(w.path); err != nil {
					w.write(1)
				}
				if w.unseen() {
					tail.Look()
				}
				w.rotate()
				n := 1 + r.IntN(4)
				w.write(n)
				story = append(story, "rotate", fmt.Sprintf("write %d", n))
			}
		}
		tail.Close()
		got, want := strings.Join(sink.lines, "\n"), strings.Join(w.wrote[from:], "\n")
		if got != want {
			t.Fatalf("start %d, %s\ntold %d, want %d\n%s\nwant\n%s", start, strings.Join(story, ", "),
				len(sink.lines), len(w.wrote)-from, got, want)
		}
	}
}
