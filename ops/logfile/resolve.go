package logfile

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
)

// Config is the location of a service's logs.
type Config struct {
	Sources []string  // files, globs, docker:NAME, journald:UNIT, loki:URL and other servers
	Stdin   io.Reader // what "-" reads
	Filter  Filter    // what capable sources may filter themselves
	Shelf   *Shelf    // for the kept indexes; may be nil
	// Whole has the whole of each file looked at for lines that are not UTF-8, and not only
	// parts of a long one: a search for what is not ASCII then misses none.
	Whole bool
	// Found is called with the sources for a configured name; may be nil.
	Found  func(name, source string)
	Follow bool // a pattern without matching files is no error
	// Archives has archives of several files read as the logs that they hold.
	Archives bool
	// SSH is ssh with its arguments for hosts of ssh:// logs; nil for the default.
	SSH []string
	// Told is called with facts about a host, such as its clock; may be nil.
	Told func(lang.Msg)

	patience time.Duration // with a host, in tests
}

// Resolve makes sources. Without names it uses everything that is configured; a name is a
// file, a glob, "-", a source with its scheme, or part of a configured source's name.
func (c Config) Resolve(ctx context.Context, names []string) ([]logs.Source, error) {
	if len(names) == 0 {
		return c.configured(ctx)
	}
	var out []logs.Source
	for _, name := range names {
		found, err := c.named(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return unique(out), nil
}

func (c Config) configured(ctx context.Context) (out []logs.Source, err error) {
	for _, name := range c.Sources {
		found, err := c.open(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if c.Found != nil {
				c.Found(name, s.Name)
			}
		}
		out = append(out, found...)
	}
	if len(out) == 0 && !(c.Follow && slices.ContainsFunc(c.Sources, isGlob)) {
		return nil, c.none()
	}
	return unique(out), nil
}

// none is the error of a service without logs.
func (c Config) none() error {
	said := lang.M("no log found at %s", strings.Join(c.Sources, " "))
	if len(c.Sources) == 0 {
		said = lang.M("no logs are configured")
	}
	return ops.E(ops.Failed, said).WithHint(lang.M("name one with --source FILE, or set logs: in the configuration"))
}

// open makes the sources of one explicit name.
func (c Config) open(ctx context.Context, name string) ([]logs.Source, error) {
	if name == "-" {
		return []logs.Source{{Name: "-", Parts: []logs.Part{&stream{name: "-", r: c.Stdin}}}}, nil
	}
	scheme, rest, _ := strings.Cut(name, ":")
	if serverKinds[scheme] != nil {
		l, err := newServer(name, c.Filter)
		if err != nil {
			return nil, err
		}
		return []logs.Source{{Name: name, Parts: []logs.Part{l}}}, nil
	}
	switch scheme {
	case "ssh":
		return c.remote(ctx, name)
	case "journald":
		return []logs.Source{{Name: name, Parts: []logs.Part{&journal{name, rest, c.Filter}}}}, nil
	case "docker":
		paths, err := dockerLog(ctx, rest)
		if err != nil {
			return nil, err
		}
		return c.group(paths), nil
	}
	paths, err := expand(name)
	if err != nil {
		return nil, ops.Wrap(err, ops.Usage, lang.M("%s is not a valid file pattern", name))
	}
	sources := c.group(paths)
	if c.Archives {
		return spread(ctx, sources, config.Home(name))
	}
	return sources, nil
}

func (c Config) named(ctx context.Context, name string) ([]logs.Source, error) {
	if name == "-" || hasScheme(name) || strings.ContainsAny(name, "*?[/") {
		return c.openSome(ctx, name)
	}
	if _, err := os.Lstat(name); err == nil {
		return c.open(ctx, name)
	}
	all, err := c.configured(ctx)
	if err != nil {
		return nil, ops.E(ops.Usage, lang.M("there is no file or log %s", name))
	}
	var out []logs.Source
	for _, s := range all {
		if strings.Contains(filepath.Base(s.Name), name) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = c.linked(name)
	}
	if len(out) == 0 {
		return nil, ops.E(ops.Usage, lang.M("there is no log %s", name)).
			WithHint(lang.M("there are: %s", strings.Join(names(all), ", ")))
	}
	return out, nil
}

// linked are the links to configured logs that have name as a part of theirs.
func (c Config) linked(name string) []logs.Source {
	var found []string
	for _, source := range c.Sources {
		if !isGlob(source) {
			continue
		}
		paths, _ := matching(source) // that it is a pattern was seen before
		for _, path := range paths {
			if isLink(path) && strings.Contains(filepath.Base(path), name) {
				found = append(found, path)
			}
		}
	}
	return c.group(once(found))
}

func (c Config) openSome(ctx context.Context, name string) ([]logs.Source, error) {
	out, err := c.open(ctx, name)
	if err == nil && len(out) == 0 && !c.Follow {
		return nil, ops.E(ops.Usage, lang.M("no file matches %s", name))
	}
	return out, err
}

func names(sources []logs.Source) (out []string) {
	for _, s := range sources {
		out = append(out, s.Name)
	}
	return out
}

func unique(sources []logs.Source) []logs.Source {
	seen := map[string]bool{}
	out := sources[:0]
	for _, s := range sources {
		if !seen[s.Name] {
			seen[s.Name] = true
			out = append(out, s)
		}
	}
	return filesOnce(out)
}

// hasScheme reports whether a source is not a file.
func hasScheme(source string) bool {
	scheme, _, ok := strings.Cut(source, ":")
	return ok && (serverKinds[scheme] != nil || slices.Contains([]string{"docker", "journald", "ssh"}, scheme))
}

// Names are the names by which configured logs can be requested, as far as local files
// tell; neither Docker nor the network is used.
func Names(sources []string) []string {
	var out []string
	for _, source := range sources {
		if hasScheme(source) {
			out = append(out, source)
			continue
		}
		paths, err := expand(source)
		if err != nil {
			continue
		}
		for _, s := range group(paths, nil) {
			out = append(out, filepath.Base(s.Name))
		}
	}
	return out
}
