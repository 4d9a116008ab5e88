package logfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/ops/logs"
)

// Globs are the followed patterns and the files that match them: files with dates in their
// names and new instances appear later. A link counts as one: it may lead to another file later.
type Globs struct {
	Sink   func(name string) Sink       // the sink of a new file
	Failed func(name string, err error) // called for what cannot be read; may be nil
	Back   func(name string)            // called when what Failed was told no longer holds; may be nil
	// Pace is how long a change waits for further ones before all are read: 0 for a person who
	// watches the screen.
	Pace time.Duration
	// Steady is the least time between two looks while changes keep coming; the first one
	// after a pause is read at once.
	Steady time.Duration
	// Finish has what came until the end of following passed on, half lines too.
	Finish bool

	patterns []globName
	seen     map[string]bool // by the live file's name
	began    time.Time
	looked   time.Time
}

// globName is a pattern; only matching names that contain part are used.
type globName struct{ pattern, part string }

// globEvery is the interval at which the patterns are checked.
const globEvery = time.Second

// Globs returns the patterns that the names request, read as by Resolve; sources are the
// files that already exist.
func (c Config) Globs(names []string, sources []logs.Source) *Globs {
	g := &Globs{seen: map[string]bool{}, began: time.Now()}
	for _, s := range sources {
		g.seen[s.Name] = true
	}
	if len(names) == 0 {
		g.add(c.Sources, "")
	}
	for _, name := range names {
		if _, err := os.Lstat(name); isGlob(name) || err == nil && isLink(name) {
			g.add([]string{name}, "")
		} else if err != nil && name != "-" && !strings.Contains(name, "/") && !hasScheme(name) {
			g.add(c.Sources, name)
		}
	}
	return g
}

func (g *Globs) add(patterns []string, part string) {
	for _, p := range patterns {
		if isGlob(p) || !hasScheme(p) && isLink(config.Home(p)) {
			g.patterns = append(g.patterns, globName{p, part})
		}
	}
}

// isGlob reports whether a name is a file pattern.
func isGlob(source string) bool { return !hasScheme(source) && strings.ContainsAny(source, "*?[") }

// None reports that there are no patterns.
func (g *Globs) None() bool { return g == nil || len(g.patterns) == 0 }

func (g *Globs) finishes() bool { return g != nil && g.Finish }

// Empty are the patterns that no file matches yet. failed is called for patterns whose
// folder cannot be read.
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
	paths, err := expand(p.pattern)
	if err != nil {
		return nil
	}
	for _, s := range group(paths, nil) {
		if !Grows(context.Background(), s) { // of files here
			continue
		}
		if p.part == "" || strings.Contains(filepath.Base(s.Name), p.part) {
			out = append(out, s)
		}
	}
	return out
}

// fresh are the files that match since the last check, at the check interval. A file that
// is already followed and got a matching name is not one of them.
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
			held := heldBy(tails, src.Name)
			if held && isLink(src.Name) {
				continue // until it leads elsewhere
			}
			g.seen[src.Name] = true
			if !held {
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
		if g.Back != nil {
			t.OnBack(func() { g.Back(name) })
		}
	}
	return t
}

// heldBy reports whether a file is already followed under another name.
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
