package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/stat"
)

// logsStat are the flags that make numbers of what is found.
type logsStat struct {
	By      []string      `placeholder:"FIELD" sep:"none" help:"Count by the values of a field: level, context, source, took, a name such as orderId or metadata.userId, or /RE/ for its first group. Repeat it, or separate names by commas."`
	Stat    string        `placeholder:"FIELD" help:"Percentiles of a number: took (ms), a field, or /RE/; durations such as 1.5s and 800ms count in ms, sizes such as 2kB in bytes."`
	Over    time.Duration `placeholder:"DUR" help:"Count by intervals of this length; with --by one curve per value."`
	Top     int           `placeholder:"N" default:"20" help:"Show N values with --by, N operations with --pairs, N patterns with --compare; 0 for all."`
	Pairs   string        `placeholder:"RULE" help:"Operations from start to end, slowest first: 'start /RE/ end /RE/ by FIELD'; without by, the first group of both is the id."`
	Compare string        `placeholder:"T" help:"Compare the time from --since to --until with a good period of the same length that starts at T: patterns that are new, missing, more or fewer."`
	Sort    string        `placeholder:"ORDER" enum:",count,p50,p95,max,sum,name" default:"" help:"Sort --by by count, p50, p95, max, sum or name."`
}

func (c *logsStat) asked() bool {
	return len(c.By) > 0 || c.Stat != "" || c.Over != 0 || c.Pairs != "" || c.Compare != ""
}

// ask is what the flags ask for.
func (c *logsStat) ask() (stat.Ask, error) {
	ask := stat.Ask{Over: c.Over, Zone: time.Local}
	for _, text := range c.By {
		names := strings.Split(text, ",")
		if strings.HasPrefix(text, "/") {
			names = []string{text}
		}
		for _, name := range names {
			f, err := stat.ParseField(name)
			if err != nil {
				return ask, ops.E(ops.Usage, lang.M("--by %s: %s", name, err.Error()))
			}
			ask.By = append(ask.By, f)
		}
	}
	if c.Stat != "" {
		f, err := stat.ParseField(c.Stat)
		if err != nil {
			return ask, ops.E(ops.Usage, lang.M("--stat %s: %s", c.Stat, err.Error()))
		}
		ask.Of = &f
	}
	return ask, nil
}

// check refuses flags that are not clear; given are the names of those on the command line.
func (c *logsStat) check(given map[string]bool) error {
	byNumber := slices.Contains([]string{"p50", "p95", "max", "sum"}, c.Sort)
	switch {
	case c.Compare != "" && (c.Pairs != "" || len(c.By) > 0 || c.Stat != "" || c.Over != 0):
		return ops.E(ops.Usage, lang.M("--compare cannot be used with --by, --stat, --over or --pairs"))
	case c.Pairs != "" && (len(c.By) > 0 || c.Stat != "" || c.Over != 0):
		return ops.E(ops.Usage, lang.M("--pairs cannot be used with --by, --stat or --over"))
	case given["stat"] && c.Stat == "":
		return ops.E(ops.Usage, lang.M("%s needs a value", "--stat"))
	case given["pairs"] && c.Pairs == "":
		return ops.E(ops.Usage, lang.M("%s needs a value", "--pairs"))
	case given["compare"] && c.Compare == "":
		return ops.E(ops.Usage, lang.M("%s needs a value", "--compare"))
	case given["top"] && len(c.By) == 0 && c.Pairs == "" && c.Compare == "":
		return ops.E(ops.Usage, lang.M("--top needs --by, --pairs or --compare"))
	case given["over"] && c.Over == 0 || c.Over < 0 || c.Over > 0 && c.Over < time.Millisecond:
		return ops.E(ops.Usage, lang.M("--over needs a duration such as 1h or 5m"))
	case c.Top < 0:
		return ops.E(ops.Usage, lang.M("--top cannot be negative"))
	case c.Sort != "" && len(c.By) == 0:
		return ops.E(ops.Usage, lang.M("--sort needs --by"))
	case byNumber && c.Stat == "":
		return ops.E(ops.Usage, lang.M("--sort %s needs --stat", c.Sort))
	}
	return nil
}

// noStat refuses what makes no sense with numbers.
func (c *logsCmd) noStat() error {
	before, after := c.context()
	if !c.logsStat.asked() || !(c.Follow || c.Count || c.Histogram != 0 || c.Newest || c.Rank || c.Explain ||
		c.Limit > 0 || before+after > 0) {
		return nil
	}
	return ops.E(
		ops.Usage,
		lang.M("--by, --stat, --over, --pairs and --compare need all hits: they cannot be used with -f, -A, -B, "+
			"-C, --count, --histogram, --limit, --newest, --rank or --explain"),
	)
}

type (
	statJSON struct {
		Events    int64            `json:"events"`
		By        []string         `json:"by"`
		Stat      string           `json:"stat,omitempty"`
		Unit      string           `json:"unit,omitempty"` // of the numbers: ms or bytes
		OverMS    int64            `json:"over_ms,omitempty"`
		Without   map[string]int64 `json:"without"` // events that have no value in a field of by
		NoNumber  int64            `json:"without_number"`
		OtherUnit int64            `json:"other_unit,omitempty"` // of those
		NoTime    int64            `json:"without_time"`
		NotShown  statRestJSON     `json:"not_shown"`
		Estimated bool             `json:"percentiles_estimated"`
		All       *groupJSON       `json:"all"`
		Groups    []*groupJSON     `json:"groups"`
		incompleteJSON
	}
	// incompleteJSON are the parts of the logs that could not be read, or not wholly: "path: reason".
	incompleteJSON struct {
		Incomplete []string `json:"incomplete,omitempty"`
	}
	statRestJSON struct {
		Groups int64 `json:"groups"`
		Count  int64 `json:"count"`
	}
	groupJSON struct {
		Values []string     `json:"values,omitempty"`
		Count  int64        `json:"count"`
		Stat   *numbersJSON `json:"stat,omitempty"`
		Over   []cellJSON   `json:"over,omitempty"`
	}
	cellJSON struct {
		Bucket time.Time    `json:"bucket"`
		Count  int64        `json:"count"`
		Stat   *numbersJSON `json:"stat,omitempty"`
	}
	numbersJSON struct {
		Count int64   `json:"count"`
		Sum   float64 `json:"sum"`
		Min   float64 `json:"min"`
		Mean  float64 `json:"mean"`
		P50   float64 `json:"p50"`
		P95   float64 `json:"p95"`
		P99   float64 `json:"p99"`
		Max   float64 `json:"max"`
	}
)

func numbersOf(n *stat.Numbers) *numbersJSON {
	if n.Count == 0 {
		return nil
	}
	return &numbersJSON{
		Count: n.Count, Sum: n.Sum, Min: n.Min, Mean: n.Mean(),
		P50: n.Percentile(50), P95: n.Percentile(95), P99: n.Percentile(99), Max: n.Max,
	}
}

func groupOf(g *stat.Group) *groupJSON {
	out := &groupJSON{Values: g.Values, Count: g.Count, Stat: numbersOf(&g.Numbers)}
	for _, c := range g.Over() {
		out.Over = append(out.Over, cellJSON{Bucket: c.At, Count: c.Count, Stat: numbersOf(&c.Numbers)})
	}
	return out
}

// numbers prints what was counted, as a table or as JSON.
func (r *logsRun) numbers(ctx context.Context, sources []logs.Source) error {
	c := &r.cmd.logsStat
	ask, err := c.ask()
	if err != nil {
		return err
	}
	t, err := stat.Run(ctx, &r.scan, sources, ask)
	if err != nil {
		return err
	}
	r.hits = t.Events
	order := stat.Order(c.Sort)
	if order == "" {
		order = stat.ByCount
	}
	if r.cmd.JSON {
		doc := c.document(t, order)
		doc.Incomplete = r.incomplete
		return r.app.json(doc)
	}
	r.sheet(t.Sheet(r.app.lang, order, c.Top))
	return nil
}

func (c *logsStat) document(t *stat.Table, o stat.Order) *statJSON {
	doc := &statJSON{
		Events:    t.Events,
		By:        []string{},
		Stat:      c.Stat,
		OverMS:    c.Over.Milliseconds(),
		Without:   map[string]int64{},
		Unit:      [...]string{line.Plain: "", line.Millis: "ms", line.Bytes: "bytes"}[t.Unit()],
		NoNumber:  t.NoNumber,
		OtherUnit: t.OtherUnit,
		NoTime:    t.NoTime,
		Estimated: t.All.Numbers.Rounded,
		All:       groupOf(&t.All),
		Groups:    []*groupJSON{},
	}
	for i := range t.Ask.By {
		doc.By = append(doc.By, t.Ask.By[i].Name)
		doc.Without[t.Ask.By[i].Name] = t.Without[i]
	}
	doc.NotShown.Count = t.Beyond
	for i, g := range t.Groups(o) {
		if c.Top > 0 && i >= c.Top {
			doc.NotShown.Groups++
			doc.NotShown.Count += g.Count
			continue
		}
		doc.Groups = append(doc.Groups, groupOf(g))
	}
	return doc
}

// sheetWidth is how wide a table is where no terminal says it.
const sheetWidth = 100

func (r *logsRun) sheet(s *stat.Sheet) {
	width := r.app.width()
	if width == 0 {
		width = sheetWidth
	}
	t := r.app.theme()
	for i, l := range s.Lines(width, stat.Glyphs{Full: t.Glyph.Full, Bar: t.Glyph.Bar}) {
		text := l.Text
		if i == 0 {
			text = t.Bold.Render(text)
		}
		if l.Bar != "" {
			text += "  " + t.Accent.Render(l.Bar)
		}
		r.out.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	r.app.note(lang.Raw(strings.Join(s.Notes, r.app.lang.T("; "))))
}

// context is how many lines around each hit were asked for.
func (c *logsCmd) context() (before, after int) {
	return max(c.Before, c.Around), max(c.After, c.Around)
}
