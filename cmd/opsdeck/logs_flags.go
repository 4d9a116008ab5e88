package main

import (
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/site/reading"
)

type logsCmd struct {
	Query      []string      `arg:"" optional:"" name:"query" help:"Words to find (fuzzy); all must match. Also 'exact ^start end$ !not /regexp/ level:warn+ context:X since:-2h field.a=b took>1000."`
	Source     []string      `placeholder:"NAME|FILE|-" sep:"none" help:"A configured log by name, a file or glob, - for standard input, or docker:, journald:, ssh:, loki:, victorialogs:, elastic: and an address; may be repeated."`
	Level      string        `placeholder:"L+" help:"Only this level; with + that and above."`
	Context    string        `name:"context" placeholder:"C" help:"Only lines of this context; * for any text."`
	Since      string        `placeholder:"T" help:"From this time on: -2h, 14:00, 2026-01-29, 2026-01-29T14:00."`
	Until      string        `placeholder:"T" help:"Before this time."`
	Regexp     string        `placeholder:"RE" help:"Lines that match a regular expression."`
	Exact      string        `placeholder:"S" help:"Lines that contain this exact text."`
	After      int           `short:"A" placeholder:"N" help:"Also N lines after each hit."`
	Before     int           `short:"B" placeholder:"N" help:"Also N lines before each hit."`
	Around     int           `short:"C" placeholder:"N" help:"Also N lines before and after each hit."`
	Follow     bool          `short:"f" help:"Follow new lines as they come."`
	Count      bool          `help:"Print only the number of hits."`
	Histogram  time.Duration `placeholder:"DUR" help:"Count by time, in buckets this wide, and level."`
	Slow       int64         `placeholder:"MS" help:"Operations that took at least this many ms."`
	Critical   bool          `help:"Only errors that need immediate action."`
	Limit      int           `placeholder:"N" help:"Stop after N hits."`
	Newest     bool          `help:"Newest first."`
	Rank       bool          `help:"Best first: lines with the words as typed, then with all words, then with their letters in order."`
	Explain    bool          `help:"For each line, show which format read it and why."`
	FailIfNone bool          `help:"Exit 1 when there is no hit."`
	Raw        bool          `help:"Print the lines byte for byte, neither formatted nor escaped."`
	JSON       bool          `name:"json" help:"Print JSON."`
	logsStat   `embed:""`

	given map[string]bool // the flags on the command line
}

// AfterApply notes which flags were given: an empty one is an error, not a default.
func (c *logsCmd) AfterApply(k *kong.Context) error {
	c.given = map[string]bool{}
	for _, p := range k.Path {
		if p.Flag != nil {
			c.given[p.Flag.Name] = true
		}
	}
	return nil
}

func (c *logsCmd) check() error {
	switch {
	case c.Histogram < 0 || c.Histogram > 0 && c.Histogram < time.Millisecond:
		return ops.E(ops.Usage, lang.M("--histogram needs a duration such as 1h or 5m"))
	case c.Follow && (c.Count || c.Histogram > 0 || c.Newest):
		return ops.E(ops.Usage, lang.M("-f never ends: it cannot count or show the newest first"))
	case c.Explain && (c.Follow || c.Count || c.Histogram > 0 || c.Rank):
		return ops.E(ops.Usage, lang.M("--explain cannot be used with -f, --count, --histogram or --rank"))
	case c.Raw && (c.JSON || c.Explain || c.Count || c.Histogram > 0 || c.logsStat.asked()):
		return ops.E(ops.Usage, lang.M("--raw prints lines: it cannot be used with --json, --count or statistics"))
	case c.Rank && (c.Newest || c.Follow || c.Count || c.Histogram > 0):
		return ops.E(ops.Usage,
			lang.M("--rank shows the best first: it cannot be used with --newest, -f, --count or --histogram"))
	case c.Limit < 0 || c.After < 0 || c.Before < 0 || c.Around < 0:
		return ops.E(ops.Usage, lang.M("a number of lines cannot be negative"))
	}
	if err := c.noStat(); err != nil {
		return err
	}
	return c.logsStat.check(c.given)
}

// query makes one query of the words and the flags.
func (c *logsCmd) query(a *app) (*query.Query, error) {
	return query.Asked{
		Words:    strings.Join(c.Query, " "),
		Level:    c.Level,
		Context:  c.Context,
		Since:    c.Since,
		Until:    c.Until,
		Regexp:   c.Regexp,
		Exact:    c.Exact,
		Slow:     c.Slow,
		Critical: c.Critical,
	}.Query(a.clock.Now())
}

// config is where the logs are to look through. Only configured ones need the
// configuration.
func (c *logsCmd) config(a *app, q *query.Query) (logfile.Config, error) {
	conf := logfile.Config{Stdin: a.in, Filter: logfile.Push(q), Follow: c.Follow, Archives: !c.Follow}
	if len(c.Source) != 1 || c.Source[0] != "-" {
		s, err := a.service()
		if err != nil {
			return conf, err
		}
		conf.Sources = s.Logs.Paths()
	}
	return conf, nil
}

// styles are how the lines are read. Standard input needs no configuration; where there
// is one that can be read, its formats hold for it too.
func (c *logsCmd) styles(a *app) (*reading.Styles, error) {
	s, err := a.consoleService()
	if err == nil {
		var styles *reading.Styles
		if styles, err = a.logStyles(s); err == nil {
			return styles, nil
		}
	}
	if len(c.Source) == 1 && c.Source[0] == "-" {
		return nil, nil
	}
	return nil, err
}
