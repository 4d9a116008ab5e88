package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"opsdeck/internal/clock"
	"opsdeck/internal/lang"
)

// LogSource is one log of a service. In the file it is a text, its path, or keys.
type LogSource struct {
	// file, glob, docker:NAME, journald:UNIT, loki:URL, victorialogs:URL, elastic:URL,
	// ssh://HOST/PATH
	Path   string `yaml:"path"`
	Zone   string `yaml:"zone"`   // of times that say none, and of CST and the like: Asia/Shanghai, +08:00
	Format string `yaml:"format"` // one of log_formats: only its lines begin an event
}

// UnmarshalYAML reads a path, or keys.
func (s *LogSource) UnmarshalYAML(unmarshal func(any) error) error {
	var path string
	if err := unmarshal(&path); err == nil {
		*s = LogSource{Path: path}
		return nil
	}
	type plain LogSource
	return unmarshal((*plain)(s))
}

// LogSources are the logs of a service.
type LogSources []LogSource

// Paths are the paths alone.
func (l LogSources) Paths() []string {
	var out []string
	for _, s := range l {
		out = append(out, s.Path)
	}
	return out
}

// plain tells that nothing but paths is said.
func (l LogSources) plain() bool {
	return !slices.ContainsFunc(l, func(s LogSource) bool { return s.Zone != "" || s.Format != "" })
}

// LogFormat is a form of log lines, as ops/logs/line understands it: the beginning of a line
// matches Pattern, whose named groups are time, level, context, message and fields.
type LogFormat struct {
	Name    string `yaml:"name"`
	Pattern string `yaml:"pattern"` // a regular expression in Go's syntax
	// layout: 02.01.2006 15:04:05 or %d.%m.%Y %H:%M:%S; "" for any known form
	Time   string            `yaml:"time"`
	Levels map[string]string `yaml:"levels"` // word or number: level
	Zone   string            `yaml:"zone"`   // of times that say none
}

// isPath tells a log that is given as a text.
func isPath(n ast.Node, t reflect.Type) bool {
	_, scalar := n.(ast.ScalarNode)
	return scalar && t == reflect.TypeFor[LogSource]()
}

// logFormats checks what can be checked without reading a line.
func (c *checker) logFormats() {
	seen := map[string]bool{}
	for i, f := range c.l.LogFormats {
		at := index("log_formats", i)
		c.that(at+".name", f.Name != "", lang.M("a log format needs a name"))
		c.that(at+".name", !seen[f.Name], lang.M("two log formats have the name %q", f.Name))
		seen[f.Name] = true
		re, err := regexp.Compile(f.Pattern)
		if c.that(at+".pattern", err == nil, lang.M("%q is not a regular expression: %v", f.Pattern, err)); err != nil {
			continue
		}
		c.that(at+".pattern", strings.Join(re.SubexpNames(), "") != "",
			lang.M("%q has no named group: write (?P<time>…), (?P<level>…)", f.Pattern))
		for _, name := range f.Levels {
			c.oneOf(at+".levels", strings.ToLower(name), "verbose", "debug", "info", "warn", "error", "fatal")
		}
		c.zone(at+".zone", f.Zone)
	}
}

// logSources checks the logs of a service.
func (c *checker) logSources(at string, sources LogSources) {
	for i, s := range sources {
		here := index(at, i)
		c.that(here, s.Path != "", lang.M("a log needs a path"))
		c.zone(here+".zone", s.Zone)
		c.that(here+".format",
			s.Format == "" || slices.ContainsFunc(c.l.LogFormats, func(f LogFormat) bool { return f.Name == s.Format }),
			lang.M("no log format has the name %q: add it to log_formats", s.Format))
	}
}

func (c *checker) zone(at, name string) {
	if name == "" {
		return
	}
	_, err := clock.ParseZone(name)
	c.that(at, err == nil, lang.M("%q is not a time zone: write Asia/Shanghai, +08:00 or UTC", name))
}
