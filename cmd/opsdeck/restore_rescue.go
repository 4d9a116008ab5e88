package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
)

// restoreRescueCmd is `opsdeck restore rescue --table T`.
type restoreRescueCmd struct {
	Table       string `required:"" placeholder:"T" help:"The table to compare with its copy in the backup."`
	From        string `placeholder:"NAME" help:"The backup or a dump file (default: the newest good backup)."`
	Missing     bool   `help:"Show only rows that the live table lacks."`
	Changed     bool   `help:"Show only rows whose values changed."`
	Keys        string `placeholder:"A,B" help:"Only these rows, by their keys as shown."`
	Limit       int    `default:"20" placeholder:"N" help:"Show the first N rows; 0 for all."`
	Diff        bool   `help:"Show the differences and merge nothing, as without --merge."`
	Merge       string `placeholder:"missing|changed|all" enum:",missing,changed,all,keys" default:"" help:"Write rows of the backup into the live table: missing, changed, both, or those of --keys."`
	DryRun      bool   `help:"Show what would be done, do nothing."`
	KeepScratch bool   `help:"Leave the loaded copy of the table in its scratch database."`
	Confirm     string `placeholder:"NAME" help:"The target database's name, to confirm without a terminal."`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Run compares, shows, and merges when asked to.
func (c *restoreRescueCmd) Run(ctx context.Context, a *app) error {
	_, err := c.run(ctx, a)
	return err
}

// run returns what it found; nil where it came to no comparison.
func (c *restoreRescueCmd) run(ctx context.Context, a *app) (*restores.Rescued, error) {
	if err := c.check(a); err != nil {
		return nil, err
	}
	d, err := a.desk()
	if err != nil {
		return nil, err
	}
	db := d.Service.Database.Name
	if c.writes() {
		t, err := d.Live(ctx)
		if err != nil {
			return nil, err
		}
		if err := d.Vacant(ctx, t); err != nil {
			return nil, err
		}
		if c.Confirm != "" || !isTerminal(a.in) {
			if err := a.confirm(ctx, db, c.Confirm, lang.Msg{}); err != nil {
				return nil, err
			}
		}
	}
	if c.Table, err = a.typedTable(ctx, c.Table); err != nil {
		return nil, err
	}
	src, err := d.Finder().Source(ctx, c.From)
	if err != nil {
		return nil, err
	}
	if src.State != string(backup.Good) {
		a.note(lang.M("the backup %s was not verified", src.Name))
	}
	r := restores.Rescue{
		Table:   c.Table,
		Source:  src,
		Keys:    c.Keys,
		Missing: c.Missing,
		Changed: c.Changed,
		Limit:   c.Limit,
		Merge:   c.Merge,
		Writes:  c.writes(),
		Keep:    c.KeepScratch,
		Found: func(found *restores.Rescued) {
			if !c.JSON {
				printRescue(a.printer, found)
			}
		},
	}
	if c.Confirm == "" {
		r.Agree = func(what lang.Msg) error { return a.confirm(ctx, db, "", what) }
	}
	found, err := r.Run(ctx, d)
	switch {
	case !found.Ended:
	case c.JSON:
		err = errors.Join(err, a.json(found))
	case !found.Outcome.Empty():
		a.say(found.Outcome)
	}
	return found, err
}

func (c *restoreRescueCmd) writes() bool { return c.Merge != "" && !c.DryRun && !c.Diff }

func (c *restoreRescueCmd) check(a *app) error {
	switch {
	case c.Diff && c.Merge != "":
		return ops.E(ops.Usage, lang.M("--diff and --merge cannot be used together"))
	case c.Merge == "keys" && c.Keys == "":
		return ops.E(ops.Usage, lang.M("--merge keys needs --keys")).
			WithHint(lang.M("name the rows by their keys as shown: --keys 17,18"))
	}
	return a.writable() // the comparison too makes a scratch database
}

// print writes the comparison for people.
func printRescue(p *printer, o *restores.Rescued) {
	p.say(rescueSaid(o))
	if len(o.Rows) == 0 {
		return
	}
	t := cells.Table{Max: p.width(), Head: []string{"", strings.Join(o.Key, "/"), p.lang.T("backup → now")}}
	for i := range t.Head {
		t.Head[i] = termsafe.Line(t.Head[i])
	}
	for _, row := range o.Rows {
		key := cells.Cut(termsafe.Line(row.Key), 40)
		t.Rows = append(t.Rows, []string{rescueKind(p, row.Kind), key, p.drawn(rescueValues(row))})
	}
	fmt.Fprint(p.out, t)
	if o.More > 0 {
		p.note(lang.M("%s more rows; --limit 0 shows all", human.Count(o.More)))
	}
}

// rescueSaid says how many rows are the same, missing, changed and new.
func rescueSaid(o *restores.Rescued) lang.Msg {
	return lang.M("%s compared with %s of %s: %s the same, %s missing now, %s changed, %s new since", o.Table, o.Backup,
		o.RestoredTo.Local().Format("2006-01-02 15:04:05"), human.Count(o.Same), human.Count(o.Missing),
		human.Count(o.Changed), human.Count(o.Added))
}

func rescueKind(p *printer, kind string) string {
	switch kind {
	case restore.RescueMissing:
		return p.lang.T("missing")
	case restore.RescueChanged:
		return p.lang.T("changed")
	}
	return p.lang.T("new")
}

// rescueValues is a row's columns in one line.
func rescueValues(row restores.RescuedRow) string {
	var parts []string
	for _, v := range row.Columns {
		text := v.Name + ": "
		switch row.Kind {
		case restore.RescueMissing:
			text += brief(v.Backup)
		case restore.RescueChanged:
			text += brief(v.Backup) + " → " + brief(v.Live)
		default:
			text += brief(v.Live)
		}
		parts = append(parts, termsafe.Line(text))
	}
	return strings.Join(parts, ", ")
}

// brief is a value in few cells.
func brief(v *string) string {
	if v == nil {
		return "NULL"
	}
	text := *v
	if len(text) > 400 {
		text = text[:400]
	}
	return cells.Cut(termsafe.Line(text), 60)
}
