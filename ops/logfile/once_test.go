package logfile

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsdeck/internal/testdb"
	"opsdeck/ops/logs/store"
)

// link makes name a link to what, in one step.
func link(t *testing.T, what, name string) {
	t.Helper()
	if err := os.Symlink(what, name+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// TestAFileOfSeveralNamesIsOneLog: a link, a hard link, by way of a folder, and named twice.
func TestAFileOfSeveralNamesIsOneLog(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(dir string)
		names string
		want  string
	}{
		"link":  {func(dir string) { link(t, "app-29.log", dir+"/app-1.log") }, "app-*.log", "app-28.log app-29.log"},
		"alone": {func(dir string) { link(t, "app-29.log", dir+"/current.log") }, "current.log", "current.log"},
		"named too": {
			func(dir string) { link(t, "app-29.log", dir+"/current.log") }, "current.log app-*.log", "app-28.log app-29.log",
		},
		"hard": {
			func(dir string) { os.Link(dir+"/app-29.log", dir+"/app-zz.log") }, "*.log", "app-28.log app-29.log",
		},
		"folder": {
			func(dir string) {
				os.Mkdir(dir+"/b", 0o700)
				os.Rename(dir+"/app-29.log", dir+"/b/app-29.log")
				link(t, "b", dir+"/a")
			},
			"*.log */*.log", "app-28.log b/app-29.log",
		},
		"generation": {
			func(dir string) { link(t, "app.log-20260129", dir+"/app.log"); put(t, dir+"/app.log-20260129", "x\n") },
			"app.log*", "app.log",
		},
		"two links": {
			func(dir string) { link(t, "app-29.log", dir+"/l2"); link(t, "app-29.log", dir+"/l1") }, "l*", "l1",
		},
		"nowhere": {func(dir string) { link(t, "gone", dir+"/l1"); link(t, "gone", dir+"/l2") }, "l*", "l1 l2"},
	} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "app-28.log"), "one\n")
		put(t, filepath.Join(dir, "app-29.log"), "two\n")
		c.make(dir)
		var names, got []string
		for _, n := range strings.Fields(c.names) {
			names = append(names, filepath.Join(dir, n))
		}
		sources, err := Config{}.Resolve(t.Context(), names)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range sources {
			for _, p := range s.Parts {
				path, _ := filepath.Rel(dir, p.Name())
				got = append(got, path)
			}
		}
		if slices.Sort(got); strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %s", name, got, c.want)
		}
	}
}

// TestALinkIsFoundByItsName: though the pattern that it fits too has its file.
func TestALinkIsFoundByItsName(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "app-29.log"), "one\n")
	link(t, "app-29.log", filepath.Join(dir, "app-current.log"))
	c := Config{Sources: []string{filepath.Join(dir, "app-*.log")}}
	got, err := c.Resolve(t.Context(), []string{"current"})
	if err != nil || len(got) != 1 || filepath.Base(got[0].Name) != "app-current.log" {
		t.Fatalf("%v, %v", got, err)
	}
}

// TestALinkThatMovesOnLosesAndDoublesNothing: whatever it leads to, and whether the link or the
// file comes first.
func TestALinkThatMovesOnLosesAndDoublesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, link string
		file          func(day string) string
	}{
		"inside":  {"app*.log", "app-current.log", func(day string) string { return "app-" + day + ".log" }},
		"outside": {"app*.log", "app-current.log", func(day string) string { return "other-" + day + ".log" }},
		"both": {"app*.log", "app-current.log", func(day string) string {
			return map[bool]string{true: "other-", false: "app-"}[day == "28" || day == "30"] + day + ".log"
		}},
		"inner":      {"app*.log", "app.log", func(day string) string { return "app-202601" + day + ".log" }},
		"generation": {"app.log*", "app.log", func(day string) string { return "app.log-202601" + day }},
		"by name":    {"app.log", "app.log", func(day string) string { return "app-202601" + day + ".log" }},
		"named too": {"app-*.log current.log", "current.log", func(day string) string {
			return map[bool]string{true: "other-", false: "app-"}[day == "29"] + day + ".log"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			put(t, at(c.file("28")), "")
			link(t, c.file("28"), at(c.link))
			conf := Config{Follow: true}
			var names []string
			for _, name := range strings.Fields(c.pattern) {
				names = append(names, at(name))
			}
			sources, err := conf.Resolve(t.Context(), names)
			if err != nil {
				t.Fatal(err)
			}
			globs := conf.Globs(names, sources)
			sink := &collect{t: t}
			globs.Sink = func(string) Sink { return sink }
			globs.Finish = true
			var tails []*Tail
			for _, s := range sources {
				tails = append(tails, NewTail(s.Name, sink))
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { Follow(ctx, tails, globs, nil); close(done) }()
			var want []string
			write := func(day, line string) {
				f, err := os.OpenFile(at(c.file(day)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				f.WriteString(line + "\n")
				want = append(want, line)
			}
			all := func() bool {
				got := sink.all()
				slices.Sort(got)
				return slices.Equal(got, want)
			}
			write("28", "a")
			until(t, "the first line", all)
			link(t, c.file("29"), at(c.link)) // before there is the file
			write("28", "b")
			write("29", "c")
			until(t, "the next file", all)
			write("29", "d")
			until(t, "its next line", all)
			write("30", "e")
			link(t, c.file("30"), at(c.link))
			write("29", "f")
			until(t, "the third file", all)
			write("30", "g")
			until(t, "its next line", all)
			cancel()
			if <-done; !all() {
				t.Fatalf("told %q, want %q", sink.all(), want)
			}
		})
	}
}

// TestAFileAndItsLinkComeTogether: the file is followed, whichever is looked at first, and so is a
// link that leads elsewhere.
func TestAFileAndItsLinkComeTogether(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	globs := Config{}.Globs([]string{at("app*.log")}, nil)
	sink := &collect{t: t}
	globs.Sink = func(string) Sink { return sink }
	put(t, at("app-29.log"), "a\n")
	link(t, "app-29.log", at("app-1.log"))
	if got := globs.fresh(nil); len(got) != 1 || got[0].path != at("app-29.log") {
		t.Fatalf("%d are followed", len(got))
	}
	put(t, at("other.log"), "b\n")
	tails := []*Tail{NewTail(at("app-1.log"), sink), NewTail(at("app-29.log"), sink)}
	look := func(want ...string) {
		t.Helper()
		for _, tail := range tails {
			tail.beside = tails
			tail.Look()
		}
		if got := sink.all(); !slices.Equal(got, want) {
			t.Fatalf("told %q, want %q", got, want)
		}
	}
	look("a")
	link(t, "other.log", at("app-1.log"))
	look("a", "b")
	link(t, "app-29.log", at("app-1.log"))
	look("a", "b")
}

// TestTheTabShowsTheFileOfALinkOnce: also one that is a generation by its name.
func TestTheTabShowsTheFileOfALinkOnce(t *testing.T) {
	for _, file := range []string{"app-current.log", "app.log-20260129"} {
		dir := t.TempDir()
		put(t, filepath.Join(dir, file), "2026-01-29T12:00:00Z INFO one\n")
		link(t, file, filepath.Join(dir, "app.log"))
		c := Config{Sources: []string{filepath.Join(dir, "app*")}}
		sources, err := c.Resolve(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := store.NewStore(time.UTC, time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Feed(ctx, s, sources, s.Fail); close(done) }()
		until(t, file+": the first line", func() bool { return s.Stats().Lines == 1 })
		put(t, filepath.Join(dir, file), "2026-01-29T12:00:00Z INFO one\n2026-01-29T12:00:01Z INFO two\n")
		until(t, file+": the second line", func() bool { return s.Stats().Lines == 2 })
		cancel()
		<-done
		s.Close()
	}
}

// TestHalfALineAndALinkOnAHost: half a line that was read before its file was truncated is not
// glued to the next line, and a link that moves on doubles nothing.
func TestHalfALineAndALinkOnAHost(t *testing.T) {
	t.Parallel()
	s := testdb.SSHD(t)
	at := func(name string) string { return filepath.Join(s.Dir, name) }
	put(t, at("day-1.log"), "first\n")
	link(t, "day-1.log", at("day-current.log"))
	c, name := remoteConfig(s, nil)
	sources, err := c.Resolve(t.Context(), []string{name(at("day-*.log"))})
	if err != nil || len(sources) != 1 {
		t.Fatalf("%+v, %v", sources, err)
	}
	sp, err := newSpool()
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	tail := sources[0].Parts[0].(*remoteTail)
	defer tail.host.Close()
	f := &remoteFollow{
		tail: tail, w: &Lines{spool: sp, grow: func(int64) {}}, first: remoteRecent, tracks: map[string]*remoteTrack{},
	}
	look := func() {
		t.Helper()
		if err := f.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	put(t, at("day-1.log"), "first\nhalf")
	look()
	put(t, at("day-1.log"), "anew\n")
	look()
	put(t, at("day-2.log"), "second\n")
	link(t, "day-2.log", at("day-current.log"))
	look()
	put(t, at("other.log"), "outside\n")
	link(t, "other.log", at("day-current.log"))
	look()
	look()
	got, _ := io.ReadAll(io.NewSectionReader(sp, 0, sp.Size()))
	if want := "first\nhalf\nanew\nsecond\noutside\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}
