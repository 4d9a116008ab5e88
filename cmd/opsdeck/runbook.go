package main

import (
	"context"
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/site/runbooks"
)

type runbookCmd struct {
	Name string `arg:"" optional:"" help:"The runbook (default: list them). restore --plain prints a shell script that does not need opsdeck."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run lists the runbooks, or shows one: on a terminal to read and to run, else as Markdown.
func (c *runbookCmd) Run(ctx context.Context, a *app) error {
	if c.Name == "" {
		return c.list(a.printer)
	}
	r, found := runbooks.Named(c.Name)
	if !found {
		return ops.E(ops.Usage, lang.M("there is no runbook %q", c.Name)).
			WithHint(lang.M("there are: %s", strings.Join(runbooks.Names(), ", ")))
	}
	s, err := a.service()
	if err != nil {
		return err
	}
	p := a.placeOf(s)
	if sh, err := a.shelfOf(s); err == nil {
		p = p.WithNewest(runbooks.NewestGood(ctx, sh.Shelf))
	}
	text := ""
	switch {
	case c.JSON:
		return a.json(runbookDocument(a.lang, r, p))
	case c.pages(a):
		return showRunbook(ctx, a, func(context.Context) runbooks.Place { return p }, r.Name)
	case r.Name != "restore" || !a.flags.Plain:
		text = r.Markdown(a.lang, p)
	case !p.HasBackups():
		return ops.E(ops.Config, lang.M("no database is configured for %s", s.Name)).
			WithHint(lang.M("set database.name and backup.dir in the configuration"))
	default:
		text = p.PlainRestore(a.lang, a.clock.Now())
	}
	_, err = fmt.Fprint(a.out, text)
	return err
}

// pages tells whether the runbook is shown on the terminal, to be read and its commands run.
func (c *runbookCmd) pages(a *app) bool {
	term := a.getenv("TERM")
	return !a.flags.Plain && isTerminal(a.in) && isTerminal(a.out) && term != "" && term != "dumb"
}

// list lists the runbooks.
func (c *runbookCmd) list(out *printer) error {
	if c.JSON {
		doc := runbooksJSON{}
		for _, r := range runbooks.All {
			doc.Runbooks = append(doc.Runbooks, runbookJSON{Name: r.Name, When: out.lang.Msg(r.When)})
		}
		return out.json(doc)
	}
	t := cells.Table{}
	for _, r := range runbooks.All {
		t.Rows = append(t.Rows, []string{r.Name, out.lang.Msg(r.When)})
	}
	_, err := fmt.Fprint(out.out, t)
	return err
}

type (
	runbooksJSON struct {
		Runbooks []runbookJSON `json:"runbooks"`
	}
	runbookJSON struct {
		Name  string            `json:"name"`
		When  string            `json:"when"`
		Steps []runbookStepJSON `json:"steps,omitempty"`
	}
	runbookStepJSON struct {
		Do       string   `json:"do"`
		Commands []string `json:"commands"`
	}
)

// runbookDocument is a runbook with its steps, for programs.
func runbookDocument(l *lang.Printer, r runbooks.Runbook, p runbooks.Place) runbookJSON {
	out := runbookJSON{Name: r.Name, When: l.Msg(r.When)}
	for _, s := range r.Steps(p) {
		out.Steps = append(out.Steps, runbookStepJSON{Do: l.Msg(s.Do), Commands: s.Commands})
	}
	return out
}
