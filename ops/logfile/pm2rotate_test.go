package logfile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
)

// pm2Log is the log of an app that a real pm2-logrotate beside a real PM2 rotates as soon
// as it holds anything.
type pm2Log struct {
	t     *testing.T
	path  string // of the app's log
	wrote []string
}

// startRotator starts PM2, an app that writes nothing, and pm2-logrotate; the test writes to
// the app's log itself, as PM2 does: at its end.
func startRotator(t *testing.T, compress bool) *pm2Log {
	t.Helper()
	pm2 := testdb.PM2(t)
	name := "pm2-logrotate"
	if compress { // 3.0.0 takes no notice of it: it compares a boolean with the text "true"
		name = "pm2-logrotate-2"
	}
	module := filepath.Join(filepath.Dir(filepath.Dir(pm2.Bin)), name, "app.js")
	if _, err := os.Stat(module); err != nil {
		if os.Getenv("OPSDECK_REAL") == "required" {
			t.Fatal(err)
		}
		t.Skip("no pm2-logrotate: .ci/install-real installs it")
	}
	app := filepath.Join(pm2.Dir, "app.js")
	if err := os.WriteFile(app, []byte("setInterval(() => {}, 1e6)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &pm2Log{t: t, path: filepath.Join(pm2.Home, "logs", "app-out.log")}
	pm2.Run(t, "start", app, "--name", "app", "--output", w.path, "--error", "/dev/null")
	cmd := exec.Command("node", module)
	conf := fmt.Sprintf(`{"max_size":"1","workerInterval":"1","retain":"all","compress":"%v"}`, compress)
	cmd.Env = append(os.Environ(), "PM2_HOME="+pm2.Home, "pm2-logrotate="+conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return w
}

// write appends lines in one write, so that a rotation takes all of them or none.
func (w *pm2Log) write(n int) {
	var text strings.Builder
	for range n {
		line := fmt.Sprintf("2026-01-29T12:00:00.000Z INFO line %d", len(w.wrote))
		w.wrote = append(w.wrote, line)
		text.WriteString(line + "\n")
	}
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(text.String())
		f.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// rotated waits until the log was copied and emptied.
func (w *pm2Log) rotated() {
	w.t.Helper()
	until(w.t, "pm2-logrotate rotates", func() bool {
		info, err := os.Stat(w.path)
		return err == nil && info.Size() == 0
	})
}

// compare compares what was told with what was written. On a busy machine pm2-logrotate begins
// a second rotation before the first is done, and empties the log of lines that it copied
// nowhere; nobody can tell those, unless they were told before.
func (w *pm2Log) compare(told, wrote []string) {
	w.t.Helper()
	kept := w.onDisk()
	var want []string
	for _, line := range wrote {
		if slices.Contains(kept, line) || slices.Contains(told, line) {
			want = append(want, line)
		}
	}
	if !slices.Equal(told, want) {
		w.t.Fatalf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	if len(want) < len(wrote)/2 {
		w.t.Errorf("pm2-logrotate lost %d of %d lines", len(wrote)-len(want), len(wrote))
	}
}

// onDisk are the lines in the log and its rotated files.
func (w *pm2Log) onDisk() (lines []string) {
	names, _ := filepath.Glob(strings.TrimSuffix(w.path, ".log") + "*")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil && strings.HasSuffix(name, ".gz") {
			var z *gzip.Reader
			if z, err = gzip.NewReader(bytes.NewReader(text)); err == nil {
				text, err = io.ReadAll(z)
			}
		}
		if err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return lines
}

// TestEachLineIsToldOnceOverRealPM2Logrotate: as pm2-logrotate names its files by default,
// plain and compressed, with one or several rotations between two looks and a restart of
// the follower.
func TestEachLineIsToldOnceOverRealPM2Logrotate(t *testing.T) {
	t.Parallel()
	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprintf("compress %v", compress), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(testenv.Seed(t), 9))
			w := startRotator(t, compress)
			w.write(3)
			for range 2 { // the follower is started again
				from := len(w.wrote)
				sink := &afterStart{collect: &collect{t: t}}
				tail := NewTail(w.path, sink)
				tail.Look()
				sink.running = true
				for range 2 {
					w.write(1 + r.IntN(4))
					if r.IntN(2) == 0 {
						tail.Look()
					}
					for range 1 + r.IntN(2) {
						w.rotated()
						w.write(1 + r.IntN(4))
					}
					tail.Look()
				}
				tail.Close()
				w.compare(sink.lines, w.wrote[from:])
			}
			names, _ := filepath.Glob(strings.TrimSuffix(w.path, ".log") + "__*")
			if len(names) < 4 {
				t.Errorf("%d rotated files: %v", len(names), names)
			}
			for _, n := range names {
				if strings.HasSuffix(n, ".log.gz") != compress {
					t.Errorf("a file is named %s", n)
				}
			}
		})
	}
}
