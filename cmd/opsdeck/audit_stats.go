package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/audit"
	"opsdeck/tui/theme"
)

type auditStatsCmd struct {
	Query []string `arg:"" optional:"" help:"Query line: user:1 action:DELETE resource:ORDER:456 since:24h ip:10.0.* changed:status; also name, type, id, path, method, agent, key, until, on, text. -term leaves out, a,b is either, * is anything, other words must be in the row."`
	Since string   `default:"7d" placeholder:"T" help:"From this time on: 24h ago, 2026-01-29, 2026-01-29T10:30, yesterday 14:00, monday."`
	Until string   `placeholder:"T" help:"Before this time; a day or month is included whole."`
	By    string   `placeholder:"user|action|resource|hour" enum:",user,action,resource,hour" default:"" help:"Only this count: user, action, resource or hour."`
	Top   int      `default:"20" placeholder:"N" help:"How many users and resources; 0 for all."`
	Yes   bool     `help:"Continue even if many rows must be read."`
	JSON  bool     `name:"json" help:"Print JSON."`
}

// Run counts rows over a span.
func (c *auditStatsCmd) Run(ctx context.Context, a *app) error {
	src, err := a.auditSource(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	since := c.Since
	if since == "all" {
		since = ""
	}
	filter, err := auditFilter{Since: since, Until: c.Until}.parse(a, src.Layout(), c.Query)
	if err != nil {
		return err
	}
	var s audit.Stats
	err = src.Read(ctx, a.leave(ctx, c.Yes), func(leave bool) error {
		p := a.progress()
		defer p.done()
		s, err = src.Stats(ctx, audit.StatsRequest{Filter: filter, Top: c.Top, Zone: time.Local}, leave, p.report)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(c.document(s))
	}
	c.print(a, s)
	return nil
}

// statsJSON is the command's document; with --by only that count is in it.
type statsJSON struct {
	Since      *time.Time    `json:"since"`
	Until      *time.Time    `json:"until"`
	Rows       int64         `json:"rows"`
	Scanned    int64         `json:"scanned_rows"`
	ByAction   []audit.Count `json:"by_action,omitempty"`
	ByResource []audit.Count `json:"by_resource,omitempty"`
	ByUser     []audit.Count `json:"by_user,omitempty"`
	ByHour     []audit.Hour  `json:"by_hour,omitempty"`
}

func (c *auditStatsCmd) document(s audit.Stats) statsJSON {
	doc := statsJSON{Since: timeOrNull(s.Since), Until: timeOrNull(s.Until), Rows: s.Rows, Scanned: s.Scanned}
	if c.wants("action") {
		doc.ByAction = s.ByAction
	}
	if c.wants("resource") {
		doc.ByResource = s.ByResource
	}
	if c.wants("user") {
		doc.ByUser = s.ByUser
	}
	if c.wants("hour") {
		doc.ByHour = s.ByHour
	}
	return doc
}

func (c *auditStatsCmd) wants(what string) bool { return c.By == "" || c.By == what }

func (c *auditStatsCmd) print(a *app, s audit.Stats) {
	if s.Rows == 0 {
		a.note(lang.M("no rows"))
		return
	}
	look := a.theme()
	if c.wants("action") {
		bars(a.printer, look, lang.M("by action"), s.ByAction, s.Rows)
	}
	if c.wants("resource") {
		bars(a.printer, look, lang.M("by resource"), s.ByResource, s.Rows)
	}
	if c.wants("user") {
		bars(a.printer, look, lang.M("by user"), s.ByUser, s.Rows)
	}
	if c.wants("hour") {
		week(a.printer, look, s)
	}
	a.say(lang.M("%s rows, %s read", human.Count(s.Rows), human.Count(s.Scanned)))
}

func bars(a *printer, look *theme.Theme, title lang.Msg, counts []audit.Count, all int64) {
	fmt.Fprintln(a.out, look.Title.Render(a.lang.Msg(title)))
	t := cells.Table{Right: []int{1, 2}, Max: a.width()}
	for _, c := range counts {
		bar := ""
		if n := int(20 * c.Rows / max(1, counts[0].Rows)); n > 0 {
			bar = look.Info.Render(strings.Repeat(look.Glyph.Full, n))
		}
		t.Rows = append(t.Rows,
			[]string{"  " + clean(c.Name()), human.Count(c.Rows), human.Percent(float64(c.Rows) / float64(all)), bar})
	}
	fmt.Fprintln(a.out, t)
}

// week is the heat map of weekdays and hours, in marks of eight heights.
func week(a *printer, look *theme.Theme, s audit.Stats) {
	fmt.Fprintln(a.out, look.Title.Render(a.lang.T("by weekday and hour")))
	fmt.Fprintln(a.out, "       0     6     12    18")
	most := max(1, s.Busiest())
	for day, hours := range s.Week {
		var line strings.Builder
		for _, n := range hours {
			line.WriteString(heat(look, n, most))
		}
		fmt.Fprintf(a.out, "  %s %s\n", cells.Pad(a.lang.Msg(audit.Weekday(day)), 4), line.String())
	}
	fmt.Fprintln(a.out)
}

func heat(look *theme.Theme, n, most int64) string {
	if n == 0 {
		return look.Glyph.Dot
	}
	bars := look.Glyph.Bar
	return string(bars[min(len(bars)-1, int(n*int64(len(bars))/(most+1)))])
}
