package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/auditlog"
)

type auditExportCmd struct {
	Query []string `arg:"" optional:"" help:"Query line: user:1 action:DELETE resource:ORDER:456 since:24h ip:10.0.* changed:status; also name, type, id, path, method, agent, key, until, on, text. -term leaves out, a,b is either, * is anything, other words must be in the row."`
	auditFilter
	Format   string `enum:"csv,jsonl" default:"csv" placeholder:"csv|jsonl" help:"csv (for spreadsheets) or jsonl."`
	Output   string `short:"o" required:"" placeholder:"FILE" type:"path" help:"The file to write, with mode 0600; - for standard output."`
	Unmasked bool   `help:"Write secrets unmasked."`
	Restart  bool   `help:"Start over instead of continuing an interrupted export."`
	Yes      bool   `help:"Continue even if many rows must be read."`
	JSON     bool   `name:"json" help:"Print JSON."`
}

// exportJSON is the command's document.
type exportJSON struct {
	Path       string `json:"path"`
	Format     string `json:"format"`
	Rows       int64  `json:"rows"`
	SizeBytes  int64  `json:"size_bytes"`
	Resumed    bool   `json:"resumed"`
	DurationMS int64  `json:"duration_ms"`
}

// Run writes the rows that pass a filter to a file.
func (c *auditExportCmd) Run(ctx context.Context, a *app) error {
	if err := c.allowed(a); err != nil {
		return err
	}
	src, err := a.auditSource(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	e := auditlog.Export{
		Format:  audit.Format(c.Format),
		Path:    c.Output,
		Mask:    !c.Unmasked,
		Restart: c.Restart,
		Query:   c.identity(),
	}
	if e.Filter, err = c.parse(a, src.Layout(), c.Query); err != nil {
		return err
	}
	p := a.progress()
	defer p.done()
	e.Report = p.report
	var out auditlog.Exported
	err = src.Read(ctx, a.leave(ctx, c.Yes), func(bool) error {
		if c.toStdout() {
			e.Path = a.lang.T("standard output")
			out, err = src.ExportTo(ctx, e, a.out)
			return err
		}
		out, err = src.Export(ctx, e)
		return err
	})
	p.done()
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(exportJSON{out.Path, c.Format, out.Rows, out.Bytes, out.Resumed, out.Duration.Milliseconds()})
	}
	said := lang.M("%s rows, %s, in %s: %s", human.Count(out.Rows), human.Bytes(out.Bytes),
		human.Duration(out.Duration.Round(time.Millisecond)), out.Path)
	if c.toStdout() {
		a.note(said)
		return nil
	}
	a.say(said)
	return nil
}

func (c *auditExportCmd) toStdout() bool { return c.Output == "-" }

// allowed refuses to write a file under --read-only, and two things at once on
// standard output.
func (c *auditExportCmd) allowed(a *app) error {
	if !c.toStdout() {
		return a.writable()
	}
	if c.JSON {
		return ops.E(ops.Usage, lang.M("--json and -o - both write to standard output")).
			WithHint(lang.M("use only one of them"))
	}
	return nil
}

// identity is what was asked for, as it was written: an interrupted export of
// the same goes on.
func (c *auditExportCmd) identity() string {
	f := c.auditFilter
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s", strings.Join(c.Query, " "), f.User, f.Action, f.Resource, f.Since, f.Until)
}
