package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/testdb"
	"opsdeck/internal/testenv"
	"opsdeck/ops/logs"
)

// remoteConfig is a configuration for a real sshd, and the name of a pattern there.
func remoteConfig(s *testdb.SSHServer, told func(lang.Msg)) (c Config, name func(path string) string) {
	c.SSH = append([]string{"ssh", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=15"}, s.Options()...)
	c.Told = told
	return c, func(path string) string { return fmt.Sprintf("ssh://%s@%s%s", s.User, s.Host, path) }
}

// linesOf are the lines of a source, in the order of its parts.
func linesOf(t *testing.T, s logs.Source) (out []string) {
	t.Helper()
	for _, p := range s.Parts {
		text, err := p.Open(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", p.Name(), err)
		}
		all, _ := io.ReadAll(io.NewSectionReader(text, 0, text.Size()))
		text.Close()
		out = append(out, strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")...)
	}
	return out
}

// TestRemoteLogsAreReadWithTheirGenerations reads a live file, a rotated and a compressed
// one from a real sshd: unchanged bytes, names with shell metacharacters, and the clock.
func TestRemoteLogsAreReadWithTheirGenerations(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	dir := filepath.Join(s.Dir, "it's $(a) log's")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, r: rand.New(rand.NewPCG(testenv.Seed(t), 1)), dir: dir, path: filepath.Join(dir, "app-out.log")}
	var want []string
	for i := range 3 {
		text := fmt.Sprintf("2026-01-29T12:0%d:00.000Z INFO line %d\n\x00\x1b[31m raw \\n %% `x` \r\n\nend %d", i, i, i)
		want = append(want, strings.Split(text, "\n")...)
		w.must(os.WriteFile(w.path, []byte(text+"\n"), 0o644))
		if i < 2 {
			w.shift()
		}
		if i == 1 {
			w.gzip(w.path + ".2")
		}
	}
	var said string
	c, name := remoteConfig(s, func(m lang.Msg) { said = m.String() })
	sources, err := c.Resolve(context.Background(), []string{name(dir + "/app-*.log*")})
	if err != nil || len(sources) != 1 || len(sources[0].Parts) != 3 {
		t.Fatalf("%+v, %v", sources, err)
	}
	if got := linesOf(t, sources[0]); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	link(t, "app-out.log", filepath.Join(dir, "app-a.log")) // two names of it
	w.must(os.Link(w.path, filepath.Join(dir, "app-z.log")))
	again, err := c.Resolve(context.Background(), []string{name(dir + "/app-*.log*")})
	if err != nil || len(again) != 1 || len(again[0].Parts) != 3 || !strings.HasSuffix(again[0].Name, "app-out.log") {
		t.Fatalf("%+v, %v", again, err)
	}
	if !strings.Contains(said, "its clock agrees with this machine's within") {
		t.Errorf("of the clock it says %q", said)
	}
	c.Filter.Since = time.Now().Add(time.Hour)
	sources, err = c.Resolve(context.Background(), []string{name(dir + "/app-*.log*")})
	if err != nil || strings.Join(linesOf(t, sources[0]), "") != "" {
		t.Errorf("files of before --since are read: %v", err)
	}
}

// TestAClockThatDiffersIsTold uses a fake date command.
func TestAClockThatDiffersIsTold(t *testing.T) {
	at := time.Unix(1769688000, 0)
	for text, want := range map[string]string{
		"1769688003.210000000": "3.2s fast",
		"1769687990.000000000": "10.01s slow",
		"1769688000.020000000": "agrees",
		"1769688000.N":         "agrees",
		"no date":              "cannot be read",
	} {
		h := &remoteHost{name: "web1"}
		h.clock(text, at, at.Add(20*time.Millisecond))
		if got := h.clockWords().String(); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// remoteWays are the ways of rotation after which the rest of a text can be found.
var remoteWays = []string{
	"create", "create compress", "delaycompress", "dateext", "dateext compress", "copytruncate",
	"copytruncate compress", "copytruncate dateext", "pm2-logrotate", "docker",
}

// TestRemoteLinesComeOnceOverRotations: a real sshd, real logrotate, random writes and
// rotations between two checks. A writer that keeps its file open is rotated at most once
// between two.
func TestRemoteLinesComeOnceOverRotations(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/usr/sbin/logrotate"); err != nil {
		if os.Getenv("OPSDECK_REAL") == "required" {
			t.Fatal("no logrotate")
		}
		t.Skip("no logrotate")
	}
	s := testdb.SSHD(t)
	seed := testenv.Seed(t)
	rounds := len(remoteWays)
	if n := rotationRounds(); n != 50 {
		rounds = n
	}
	for round := range rounds {
		way := remoteWays[round%len(remoteWays)]
		dir := filepath.Join(s.Dir, fmt.Sprint(round))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed+uint64(round), 3))
		w := &world{t: t, r: r, dir: dir, path: filepath.Join(dir, "app-out.log"), way: way}
		remoteRound(t, s, w)
		if w.held != nil {
			w.held.Close()
		}
		if t.Failed() {
			return
		}
	}
}

func remoteRound(t *testing.T, s *testdb.SSHServer, w *world) {
	t.Helper()
	w.write(3)
	c, name := remoteConfig(s, nil)
	sources, err := c.Resolve(context.Background(), []string{name(w.dir + "/app-*.log*")})
	if err != nil {
		t.Fatal(err)
	}
	tail := sources[0].Parts[0].(*remoteTail)
	defer tail.host.Close()
	sp, err := newSpool()
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	var warned []string
	f := &remoteFollow{tail: tail, first: remoteFirst, tracks: map[string]*remoteTrack{}}
	f.w = &Lines{spool: sp, grow: func(int64) {}, warn: func(err error) { warned = append(warned, err.Error()) }}
	story := []string{"write 3"}
	look := func() {
		story = append(story, "look")
		if err := f.look(context.Background()); err != nil {
			t.Fatalf("%s %v: %v", w.way, story, err)
		}
	}
	look()
	for range 5 {
		n := w.r.IntN(5)
		w.write(n)
		story = append(story, fmt.Sprint("write ", n))
		if w.r.IntN(3) > 0 {
			look()
			n = w.r.IntN(3)
			w.write(n)
			story = append(story, fmt.Sprint("write ", n))
		}
		w.rotate()
		story = append(story, "rotate")
		if w.r.IntN(3) > 0 || w.holds() {
			n = w.r.IntN(3)
			w.write(n)
			story = append(story, fmt.Sprint("write ", n))
			look()
		}
	}
	look()
	look()
	all := make([]byte, sp.Size())
	sp.ReadAt(all, 0)
	got := strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
	if !slices.Equal(got, w.wrote) {
		t.Errorf("%s: %v\ngot %d lines, want %d: %s\nwarned %q", w.way, story, len(got), len(w.wrote),
			firstDifference(got, w.wrote), warned)
	}
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "without " + want[i]
		case i >= len(want):
			return "beyond: " + got[i]
		case got[i] != want[i]:
			return fmt.Sprintf("at %d %q, want %q", i, got[i], want[i])
		}
	}
	return ""
}

// TestARemoteFollowOutlivesTheNetwork loses its session midway and resumes where it was:
// each line once. A new file that matches the pattern is followed from its start.
func TestARemoteFollowOutlivesTheNetwork(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	w := &world{t: t, r: rand.New(rand.NewPCG(1, 1)), dir: s.Dir, path: filepath.Join(s.Dir, "app-out.log")}
	w.write(5)
	c, name := remoteConfig(s, nil)
	sources, err := c.Resolve(context.Background(), []string{name(s.Dir + "/app-*.log")})
	if err != nil {
		t.Fatal(err)
	}
	tail := sources[0].Parts[0].(*remoteTail)
	defer tail.host.Close()
	var out bytes.Buffer
	sp, _ := newSpool()
	defer sp.Close()
	f := &remoteFollow{tail: tail, first: remoteFirst, tracks: map[string]*remoteTrack{}}
	f.w = &Lines{spool: sp, grow: func(int64) {}}
	look := func() error { return f.look(context.Background()) }
	if err := look(); err != nil {
		t.Fatal(err)
	}
	w.write(3)
	tail.host.cmd.Process.Kill()
	if err := look(); err == nil {
		t.Fatal("a killed session gives no error")
	}
	w.write(2)
	if err := look(); err != nil {
		t.Fatal(err)
	}
	late := filepath.Join(s.Dir, "app-late.log")
	if err := os.WriteFile(late, []byte("2026-01-29T12:00:09.000Z INFO late one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := look(); err != nil {
			t.Fatal(err)
		}
	}
	io.Copy(&out, io.NewSectionReader(sp, 0, sp.Size()))
	if want := strings.Join(w.wrote, "\n") + "\n2026-01-29T12:00:09.000Z INFO late one\n"; out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

// TestPackedFilesOfAHostAreReadAndNotFollowed: as those of this machine. A file is taken up once
// it is text.
func TestPackedFilesOfAHostAreReadAndNotFollowed(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	c, name := remoteConfig(s, nil)
	members := []packed{{"app.log", "2026-01-29T12:00:09.000Z INFO packed\n"}}
	tarred := tarOf(t, members)
	put := func(name, data string) string {
		path := filepath.Join(s.Dir, name)
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for file, data := range map[string]string{
		"x.zip": zipOf(t, members), "x.tar.gz": string(gzipped(t, tarred)), "y.tar": tarred, "odd.log": zipOf(t, members),
	} {
		path := put(file, data)
		sources, err := c.Resolve(t.Context(), []string{name(path)})
		if err != nil || len(sources) != 1 {
			t.Fatalf("%s: %v, %v", file, sources, err)
		}
		if got := linesOf(t, sources[0]); len(got) != 1 || got[0]+"\n" != members[0].text {
			t.Errorf("%s: %q", file, got)
		}
		if Grows(t.Context(), sources[0]) {
			t.Errorf("%s is followed", file)
		}
		tabReads(t, c, name(path))
	}
	put("odd.log.1", "2026-01-29T12:00:10.000Z INFO rotated\n")
	sources, err := c.Resolve(t.Context(), []string{name(s.Dir + "/[op]*.log*")})
	if err != nil || len(sources) != 1 {
		t.Fatalf("%v, %v", sources, err)
	}
	tail := sources[0].Parts[1].(*remoteTail)
	defer tail.host.Close()
	sp, _ := newSpool()
	defer sp.Close()
	var warned []string
	f := &remoteFollow{tail: tail, first: remoteFirst, tracks: map[string]*remoteTrack{}}
	f.w = &Lines{spool: sp, grow: func(int64) {}, warn: func(err error) { warned = append(warned, err.Error()) }}
	look := func() {
		t.Helper()
		for range 2 {
			if err := f.look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	look()
	late := put("p.log", zipOf(t, members))
	look()
	if len(warned) != 2 || !strings.Contains(warned[0], "odd.log is packed or not text") ||
		!strings.Contains(warned[1], "p.log is packed or not text") || sp.Size() > 0 {
		t.Errorf("it warns of %q, and gives %d bytes", warned, sp.Size())
	}
	want := "2026-01-29T12:00:11.000Z INFO text again\n"
	put("new", want)
	if err := os.Rename(filepath.Join(s.Dir, "new"), late); err != nil {
		t.Fatal(err)
	}
	look()
	got := new(strings.Builder)
	if io.Copy(got, io.NewSectionReader(sp, 0, sp.Size())); got.String() != want {
		t.Errorf("got %q", got)
	}
}

// TestARotatedLogOfAHostWaitsForItsLiveFile: of which only generations are there.
func TestARotatedLogOfAHostWaitsForItsLiveFile(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	c, name := remoteConfig(s, nil)
	was := "2026-01-29T12:00:10.000Z INFO rotated"
	if err := os.WriteFile(filepath.Join(s.Dir, "w.log.1.gz"), gzipped(t, was+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	sources, err := c.Resolve(t.Context(), []string{name(s.Dir + "/w.log*")})
	if err != nil || len(sources) != 1 || len(sources[0].Parts) != 2 || !Grows(t.Context(), sources[0]) {
		t.Fatalf("%v, %v", sources, err)
	}
	if got := linesOf(t, sources[0]); !slices.Equal(got, []string{was, ""}) {
		t.Errorf("got %q", got)
	}
	tail := sources[0].Parts[1].(*remoteTail)
	defer tail.host.Close()
	sp, _ := newSpool()
	defer sp.Close()
	f := &remoteFollow{tail: tail, first: remoteFirst, tracks: map[string]*remoteTrack{}}
	f.w = &Lines{spool: sp, grow: func(int64) {}}
	want := "2026-01-29T12:00:11.000Z INFO live\n"
	for i := range 2 {
		if err := f.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := os.WriteFile(filepath.Join(s.Dir, "w.log"), []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := new(strings.Builder)
	if io.Copy(got, io.NewSectionReader(sp, 0, sp.Size())); got.String() != want {
		t.Errorf("got %q", got)
	}
}

// TestAHostThatHangsOrIsGoneIsNamed: silence is never taken for an empty log.
func TestAHostThatHangsOrIsGoneIsNamed(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		ssh   []string
		wants string
	}{
		{[]string{"sh", "-c", "exec sleep 600"}, "web1 does not respond: no data for"},
		{[]string{"sh", "-c", "echo 'connect to host web1: No route to host' >&2; exit 255"}, "No route to host"},
		{[]string{"/no/such/ssh"}, "ssh cannot be run"},
	} {
		c := Config{SSH: x.ssh, patience: 300 * time.Millisecond}
		sources, err := c.Resolve(context.Background(), []string{"ssh://web1/var/log/app*.log"})
		if err != nil || len(sources) != 1 {
			t.Fatalf("%v, %v", sources, err)
		}
		_, err = sources[0].Parts[0].Open(context.Background())
		if err == nil || !strings.Contains(fmt.Sprint(err, " ", unwrapAll(err)), x.wants) {
			t.Errorf("%q: %v, want %q", x.ssh, err, x.wants)
		}
	}
	for _, bad := range []string{"ssh://", "ssh://web1", "ssh:///x", "ssh://-oProxyCommand=x/y", "ssh://u:secret@web1/x"} {
		if _, err := (Config{}).Resolve(context.Background(), []string{bad}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func unwrapAll(err error) (out []string) {
	for ; err != nil; err = errors.Unwrap(err) {
		out = append(out, err.Error())
	}
	return out
}

// TestAnEmptyPatternOnAHostIsNamed: it reports that no file matches there.
func TestAnEmptyPatternOnAHostIsNamed(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	c, name := remoteConfig(s, nil)
	sources, err := c.Resolve(context.Background(), []string{name(s.Dir + "/none-*.log")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sources[0].Parts[0].Open(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "no file matches ssh://") {
		t.Errorf("it says %v", err)
	}
}

// TestAHostWithAnotherKeyIsNamed: whoever answers in the host's place is not believed, and
// the reason is in the error.
func TestAHostWithAnotherKeyIsNamed(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	other := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	key, err := os.ReadFile(other + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	known := fmt.Sprintf("[%s]:%d %s", s.Host, s.Port, key)
	if err := os.WriteFile(s.KnownHosts, []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	c, name := remoteConfig(s, nil)
	sources, err := c.Resolve(context.Background(), []string{name(s.Dir + "/app-*.log")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sources[0].Parts[0].Open(context.Background())
	if said := fmt.Sprint(err, " ", unwrapAll(err)); err == nil || !strings.Contains(said, "Host key verification failed") {
		t.Errorf("%s", said)
	}
}

// TestALineThatStallsIsLeftAndTakenUpAgain: the session hangs after the login; following
// says so, and continues in a new session with each line once.
func TestALineThatStallsIsLeftAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	w := &world{t: t, r: rand.New(rand.NewPCG(2, 2)), dir: s.Dir, path: filepath.Join(s.Dir, "app-out.log")}
	w.write(5)
	c, name := remoteConfig(s, nil)
	sources, err := c.Resolve(context.Background(), []string{name(s.Dir + "/app-*.log")})
	if err != nil {
		t.Fatal(err)
	}
	tail := sources[0].Parts[0].(*remoteTail)
	defer tail.host.Close()
	sp, _ := newSpool()
	defer sp.Close()
	f := &remoteFollow{tail: tail, first: remoteFirst, tracks: map[string]*remoteTrack{}}
	f.w = &Lines{spool: sp, grow: func(int64) {}}
	if err := f.look(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.write(3)
	if err := tail.host.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	patience := tail.host.patience
	tail.host.patience = 300 * time.Millisecond
	if err := f.look(context.Background()); err == nil || !strings.Contains(err.Error(), "does not respond: no data for") {
		t.Fatalf("a session that hangs: %v", err)
	}
	tail.host.patience = patience
	w.write(2)
	if err := f.look(context.Background()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	io.Copy(&out, io.NewSectionReader(sp, 0, sp.Size()))
	if want := strings.Join(w.wrote, "\n") + "\n"; out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}
