package reading

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/clock"
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/line"
)

// Styles are how the lines of the configured logs are read: by the formats and zones of
// the configuration. It is safe for concurrent use.
type Styles struct {
	sources []styledSource
	rest    *line.Style // of a log of which nothing is said
	stamp   string      // differs where lines would be read otherwise

	mu    sync.Mutex
	found map[string]*line.Style // by the name of a source that a pattern was resolved to
}

type styledSource struct {
	pattern string
	style   *line.Style
}

// StylesOf makes the styles of a service's logs.
func StylesOf(c *config.Config, s *config.Service) (*Styles, error) {
	formats, err := Formats(c)
	if err != nil {
		return nil, err
	}
	all := make([]*line.Format, 0, len(formats))
	for _, f := range c.LogFormats {
		all = append(all, formats[f.Name])
	}
	out := &Styles{rest: line.NewStyle(nil, all, false), found: map[string]*line.Style{}}
	for _, src := range s.Logs {
		zone, err := zoneOf(src.Zone)
		if err != nil {
			return nil, err
		}
		use, only := all, false
		if f := formats[src.Format]; f != nil {
			use, only = []*line.Format{f}, true
		}
		style := out.rest
		if zone != nil || only {
			style = line.NewStyle(zone, use, only)
		}
		out.sources = append(out.sources, styledSource{config.Home(src.Path), style})
		out.stamp += " " + styleStamp(style)
	}
	out.stamp += " " + styleStamp(out.rest)
	return out, nil
}

// Formats are the formats of the configuration by their names.
func Formats(c *config.Config) (map[string]*line.Format, error) {
	out := map[string]*line.Format{}
	for _, f := range c.LogFormats {
		zone, err := zoneOf(f.Zone)
		if err != nil {
			return nil, err
		}
		ready, err := line.NewFormat(
			line.FormatSpec{Name: f.Name, Pattern: f.Pattern, Time: f.Time, Levels: f.Levels, Zone: zone},
		)
		if err != nil {
			return nil, ops.E(ops.Config, lang.M("log format %s: %s", f.Name, err.Error())).
				WithHint(lang.M("correct it under log_formats, then run: opsdeck config check"))
		}
		out[f.Name] = ready
	}
	return out, nil
}

// Of is the style of a source, always the same one.
func (l *Styles) Of(source string) *line.Style {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.found[source]; ok {
		return s
	}
	style, path := l.rest, source
	if abs, err := filepath.Abs(source); err == nil && !strings.Contains(source, ":") {
		path = abs // patterns are
	}
	for _, s := range l.sources {
		if s.pattern == source || s.pattern == path {
			style = s.style
			break
		}
		if ok, err := filepath.Match(s.pattern, path); ok && err == nil {
			style = s.style
			break
		}
	}
	l.found[source] = style
	return style
}

// Note tells of a source that a configured pattern was resolved to: of a container or a
// unit its file has another name.
func (l *Styles) Note(pattern, source string) {
	if l == nil || pattern == source || !strings.Contains(pattern, ":") {
		return
	}
	for _, s := range l.sources {
		if s.pattern == pattern {
			l.mu.Lock()
			l.found[source] = s.style
			l.mu.Unlock()
			return
		}
	}
}

func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	return clock.ParseZone(name)
}

func styleStamp(s *line.Style) string { return fmt.Sprintf("%x", s.ID()) }
