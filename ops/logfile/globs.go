package logfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/ops/logs"
)

// Globs are the patterns of what is followed, and the files that fit them: daily
// names and new instances come later.
type Globs struct {
	Sink   func(name string) Sink       // where a file that comes is told of
	Failed func(name string, err error) // of what cannot be read; may be nil
	// Pace is how long a change waits for others before all are read: whoever reads for a
	// person in front of a screen leaves it 0.
	Pace time.Duration

	patterns []globName
	seen     map[string]bool // by the live file's name
	began    time.Time
	looked   time.Time
}

// globName is a pattern, of which only the names that hold part are asked for.
type globName struct{ pattern, part string }

// globEvery is how often the patterns are looked at.
const globEvery = time.Second

// Globs makes the patterns that the names ask for, as Resolve reads them, of which
// sources are the files that are there.
func (c Config) Globs(names []string, sources []logs.Source) *Globs {
	g := &Globs{seen: map[string]bool{}, began: time.Now()}
	for _, s := range sources {
		g.seen[s.Name] = true
	}
	if len(names) == 0 {
		g.add(c.Sources, "")
	}
	for _, name := range names {
		if _, err := os.Lstat(name); isGlob(name) {
			g.add([]string{name}, "")
		} else if err != nil && name != "-" && !strings.Contains(name, "/") && !hasScheme(name) {
			g.add(c.Sources, name)
		}
	}
	return g
}

func (g *Globs) add(patterns []string, part string) {
	for _, p := range patterns {
		if isGlob(p) {
			g.patterns = append(g.patterns, globName{p, part})
		}
	}
}

// isGlob tells a pattern of files from a name.
func isGlob(source string) bool { return !hasScheme(source) && strings.ContainsAny(source, "*?[") }

// None tells that there is no pattern.
func (g *Globs) None() bool { return g == nil || len(g.patterns) == 0 }

// Empty are the patterns that no file fits yet. failed is told of those of which
// that cannot be known, for their folder cannot be read.
func (g *Globs) Empty(failed func(name string, err error)) (out []string) {
	for _, p := range g.patterns {
		if len(p.sources()) > 0 {
			continue
		}
		dir := filepath.Dir(p.pattern)
		if _, err := os.ReadDir(dir); errors.Is(err, fs.ErrPermission) {
			failed(dir, readError(dir, err))
			continue
		}
		out = append(out, p.pattern)
	}
	return out
}

func (p globName) sources() (out []logs.Source) {
	paths, err := Expand(p.pattern)
	if err != nil {
		return nil
	}
	for _, s := range group(paths, nil) {
		if p.part == "" || strings.Contains(filepath.Base(s.Name), p.part) {
			out = append(out, s)
		}
	}
	return out
}

// fresh are the files that came to fit since the last look, from time to time. One
// that is followed already, and was given a name that fits, is none.
func (g *Globs) fresh(tails []*Tail) (out []*Tail) {
	if g.None() || time.Since(g.looked) < globEvery {
		return nil
	}
	g.looked = time.Now()
	for _, p := range g.patterns {
		for _, src := range p.sources() {
			if g.seen[src.Name] {
				continue
			}
			g.seen[src.Name] = true
			if !heldBy(tails, src.Name) {
				out = append(out, g.follow(src.Name, tails))
			}
		}
	}
	return out
}

func (g *Globs) follow(name string, tails []*Tail) *Tail {
	t := tailSince(name, &shared{Sink: g.Sink(name), with: tails}, g.began)
	if g.Failed != nil {
		t.OnError(func(err error) { g.Failed(name, err) })
	}
	return t
}

// heldBy tells that a file is one that is followed under another name.
func heldBy(tails []*Tail, path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, t := range tails {
		if t.held(info) {
			return true
		}
	}
	return false
}
