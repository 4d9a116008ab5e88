package main

import (
	"context"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/audit"
)

type auditTraceCmd struct {
	Type string `arg:"" help:"Kind of resource, as the rows name it; or TYPE:ID, as lists print it."`
	ID   string `arg:"" name:"id" optional:"" help:"The resource's id."`
	Yes  bool   `help:"Continue even if many rows must be read."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run shows one resource's life, oldest first.
func (c *auditTraceCmd) Run(ctx context.Context, a *app) error {
	if c.ID == "" {
		var found bool
		if c.Type, c.ID, found = strings.Cut(c.Type, ":"); !found || c.Type == "" || c.ID == "" {
			return ops.E(ops.Usage, lang.M("the resource's id is missing")).
				WithHint(lang.M("write it as TYPE ID or TYPE:ID, e.g. ORDER:1001"))
		}
	}
	src, err := a.auditSource(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	var t audit.Trace
	err = src.Read(ctx, a.leave(ctx, c.Yes), func(leave bool) error {
		p := a.progress()
		defer p.done()
		t, err = src.Trace(ctx, c.Type, c.ID, leave, p.report)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := a.out.Write(append(termsafe.JSON(src.Layout().EncodeTrace(&t)), '\n'))
		return err
	}
	if len(t.Timeline) == 0 {
		a.note(lang.M("no rows of %s", c.Type+":"+c.ID))
		return nil
	}
	auditTable(a.printer, src.Layout(), t.Timeline)
	s := t.Summary
	a.note(lang.M("%s rows from %s to %s", human.Count(s.Rows), a.when(s.First), a.when(s.Last)))
	a.note(lang.M("actions: %s", audit.CountsText(s.ByAction)))
	a.note(lang.M("users: %s", audit.CountsText(s.ByUser)))
	for _, g := range s.Gaps {
		a.note(lang.M("nothing for %s between %s and %s", human.Duration(g.Length), a.when(g.After), a.when(g.Before)))
	}
	if s.Cut {
		a.note(lang.M("the resource has more rows; these are the oldest"))
	}
	return nil
}
