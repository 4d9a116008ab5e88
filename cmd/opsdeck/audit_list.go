package main

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/site/audits"
)

type auditListCmd struct {
	Query []string `arg:"" optional:"" help:"Query line: user:1 action:DELETE resource:ORDER:456 since:24h ip:10.0.* changed:status; also name, type, id, path, method, agent, key, until, on, text. -term leaves out, a,b is either, * is anything, other words must be in the row."`
	auditFilter
	Limit   int    `default:"100" placeholder:"N" help:"Rows per page."`
	Before  string `placeholder:"CURSOR" help:"Continue from next_cursor of the previous page."`
	Archive string `placeholder:"FILE" type:"path" help:"Read an archive instead of the table, without loading it."`
	Yes     bool   `help:"Continue even if many rows must be read."`
	JSON    bool   `name:"json" help:"Print NDJSON."`
}

// maxPageRows is how many rows a page may have: they are held in memory.
const maxPageRows = 100_000

// Run prints one page, newest first.
func (c *auditListCmd) Run(ctx context.Context, a *app) error {
	if c.Limit < 1 {
		return errNoRows
	}
	if c.Limit > maxPageRows {
		return ops.E(ops.Usage, lang.M("--limit is at most %s", human.Count(maxPageRows))).
			WithHint(lang.M("`opsdeck audit export` writes any number of rows to a file"))
	}
	if c.Archive != "" {
		return c.listArchive(ctx, a)
	}
	src, err := a.auditSource(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	l := src.Layout()
	req := audit.PageRequest{Before: audit.Newest(), Limit: c.Limit}
	if req.Filter, err = c.parse(a, l, c.Query); err != nil {
		return err
	}
	if c.Before != "" {
		if req.Before, err = l.ParseCursor(c.Before); err != nil {
			return err
		}
	}
	var page audit.Page
	p := a.progress()
	defer p.done()
	begun := time.Now()
	req.Seen = func(n audit.Looked) {
		p.report(
			ops.Progress{
				Phase:    "search",
				Object:   l.Table,
				Done:     n.Rows,
				Total:    n.Of,
				Unit:     "rows",
				Rows:     n.Rows,
				Elapsed:  time.Since(begun),
				Estimate: true,
			},
		)
	}
	err = src.Read(ctx, a.leave(ctx, c.Yes), func(leave bool) error {
		defer p.done()
		req.Leave = leave
		page, err = src.Page(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	return c.print(a, l, page)
}

func (c *auditListCmd) print(a *app, l *audit.Layout, page audit.Page) error {
	next := ""
	if page.More {
		next = l.Cursor(page.Next)
	}
	if c.JSON {
		return auditNDJSON(a.printer, l, page, next)
	}
	if len(page.Rows) == 0 && !page.More {
		if words := strings.Join(c.Query, " "); words != "" {
			a.note(lang.M("no rows match %s", words))
			return nil
		}
		a.note(lang.M("no rows"))
		return nil
	}
	if len(page.Rows) > 0 {
		auditTable(a.printer, l, page.Rows)
	}
	if page.Partial {
		a.note(lang.M("%s rows read, back to %s; to continue: --yes or --before %s", human.Count(page.Scanned),
			a.when(page.Next.At.Moment(l.Zone)), next))
	} else if page.More {
		a.note(lang.M("more rows: --before %s", next))
	}
	return nil
}

// nextJSON is the last line of a list that goes on.
type nextJSON struct {
	Next    string `json:"next_cursor"`
	Partial bool   `json:"partial,omitempty"` // the search ended early; rows older than the cursor were not looked at
}

func auditNDJSON(a *printer, l *audit.Layout, page audit.Page, next string) error {
	for i := range page.Rows {
		if _, err := a.out.Write(append(termsafe.JSON(l.Encode(&page.Rows[i], true)), '\n')); err != nil {
			return err
		}
	}
	if next == "" {
		return nil
	}
	return a.ndjson(nextJSON{next, page.Partial})
}

// listArchive lists rows of an archive without loading it.
func (c *auditListCmd) listArchive(ctx context.Context, a *app) error {
	s, err := a.chosen()
	if err != nil {
		return err
	}
	p := a.progress()
	defer p.done()
	ar := audits.File(s, c.Archive, p.report)
	layout, page, err := ar.Page(ctx, func(l *audit.Layout) (f audit.Filter, before audit.Pos, err error) {
		before = audit.Newest()
		if f, err = c.parse(a, l, c.Query); err != nil || c.Before == "" {
			return f, before, err
		}
		before, err = l.ParseCursor(c.Before)
		return f, before, err
	}, c.Limit)
	p.done()
	if err != nil {
		return err
	}
	return c.print(a, layout, page)
}
