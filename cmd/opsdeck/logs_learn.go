package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/site/reading"
)

// logsGroup is the group of the logs verbs.
type logsGroup struct {
	Search logsCmd      `cmd:"" default:"withargs" help:"Search the logs and follow them."`
	Learn  logsLearnCmd `cmd:"" help:"Propose a log format from a sample file; write it to the configuration with --write."`
}

type logsLearnCmd struct {
	File   string `arg:"" help:"A log file with lines of the format."`
	Name   string `placeholder:"NAME" help:"The name of the format; default: made from the name of the file."`
	Write  bool   `help:"Add the format to log_formats in the configuration."`
	DryRun bool   `help:"With --write: show the format, write nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// learnShown is how many lines of a sample are shown.
const learnShown = 10

type learnJSON struct {
	Name    string      `json:"name"`
	Pattern string      `json:"pattern"`
	Time    string      `json:"time"`
	Lines   int         `json:"lines"` // of the sample that begin an event
	Read    int         `json:"read"`  // of those, by the format
	Known   int         `json:"known"` // of those, with time and level, without it
	Open    []string    `json:"open_levels"`
	Sample  []learnLine `json:"sample"`
	Path    string      `json:"path,omitempty"` // the configuration that was written
}

type learnLine struct {
	Raw     string     `json:"raw"`
	Time    *time.Time `json:"time"`
	Level   string     `json:"level"`
	Context string     `json:"context"`
	Message string     `json:"message"`
}

// Run proposes a format, shows what it reads, and writes it when asked.
func (c *logsLearnCmd) Run(ctx context.Context, a *app) error {
	if c.Write {
		if err := a.mayChange(c.DryRun); err != nil {
			return err
		}
	}
	lines, err := reading.Sample(ctx, c.File)
	if err != nil {
		return err
	}
	p := line.NewParser(time.Local, a.clock.Now())
	l := line.Learn(c.name(), lines, p)
	if l == nil || l.Read == 0 {
		return ops.E(ops.Failed, lang.M("no time was found in most lines of %s", c.File)).
			WithHint(lang.M("describe the format yourself under log_formats; (?P<level>…) alone is enough"))
	}
	f := reading.FormatOf(l)
	path := ""
	if c.Write && !c.DryRun {
		if path, err = reading.AddFormat(a.configPath(), f); err != nil {
			return err
		}
	}
	if c.JSON {
		return a.json(c.json(l, lines, p, path))
	}
	c.say(a, l, lines, p, f.YAML())
	if path != "" {
		a.say(lang.M("wrote %s", path))
	}
	return nil
}

var noName = regexp.MustCompile(`[^\pL\pN]+`)

// name is the format's name: asked for, or made of the file's.
func (c *logsLearnCmd) name() string {
	if c.Name != "" {
		return c.Name
	}
	base, _, _ := strings.Cut(filepath.Base(c.File), ".")
	if name := strings.Trim(noName.ReplaceAllString(base, "-"), "-"); name != "" {
		return name
	}
	return "learned"
}

// sample is what the format reads of the first lines.
func sample(l *line.Learned, lines [][]byte, p *line.Parser) (out []learnLine) {
	p.Wear(line.NewStyle(nil, []*line.Format{l.Format}, true))
	defer p.Wear(nil)
	for _, text := range lines {
		x := p.Explain(text)
		if x.Reader != line.ReaderConfigured {
			continue
		}
		e := x.Event
		s := learnLine{Raw: e.Raw, Level: e.Level.String(), Context: e.Context, Message: e.Message}
		if !e.Time.IsZero() {
			s.Time = &e.Time
		}
		if out = append(out, s); len(out) == learnShown {
			break
		}
	}
	return out
}

func (c *logsLearnCmd) json(l *line.Learned, lines [][]byte, p *line.Parser, path string) learnJSON {
	doc := learnJSON{
		Name:    l.Spec.Name,
		Pattern: l.Spec.Pattern,
		Time:    l.Spec.Time,
		Lines:   l.Lines,
		Read:    l.Read,
		Known:   l.Known,
		Path:    path,
	}
	doc.Open = append([]string{}, l.Open...)
	doc.Sample = sample(l, lines, p)
	return doc
}

func (c *logsLearnCmd) say(a *app, l *line.Learned, lines [][]byte, p *line.Parser, yaml string) {
	fmt.Fprint(a.out, termsafe.Text("log_formats:\n"+yaml)+"\n")
	t := cells.Table{
		Head: []string{a.lang.T("time"), a.lang.T("level"), a.lang.T("context"), a.lang.T("message")},
		Max:  a.width(),
	}
	for _, s := range sample(l, lines, p) {
		at := "-"
		if s.Time != nil {
			at = s.Time.Format("2006-01-02 15:04:05")
		}
		t.Rows = append(t.Rows, []string{at, s.Level, termsafe.Line(s.Context), termsafe.Line(s.Message)})
	}
	fmt.Fprint(a.out, t)
	a.say(lang.M("reads %d of %d lines; without this format, time and level are read in %d", l.Read, l.Lines, l.Known))
	if len(l.Open) > 0 {
		a.say(lang.M("under levels, name the level of each of these: %s", strings.Join(l.Open, ", ")))
	}
	if !c.Write {
		a.say(lang.M("write it to the configuration with --write, then use it for the log: {path: %s, format: %s}",
			c.File, l.Spec.Name))
	}
}
