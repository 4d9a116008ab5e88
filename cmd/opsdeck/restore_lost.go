package main

import (
	"context"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site/restores"
)

// restoreLostCmd is `opsdeck restore lost --from NAME`.
type restoreLostCmd struct {
	From   string   `placeholder:"NAME" help:"The backup (default: the newest good one)."`
	Tables []string `placeholder:"A,B" sep:"," help:"Only these tables."`

	FromSchema string `placeholder:"NAME" help:"The database in the dump, if its name differs from the service's."`

	Export string `placeholder:"DIR" help:"Also write the rows to this folder, as statements for replay."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run says what a restore would lose, and exports it when a folder is given.
func (c *restoreLostCmd) Run(ctx context.Context, a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	if c.Tables, err = a.typedTables(ctx, c.Tables); err != nil {
		return err
	}
	a.note(lang.M("checking the backup and the target …"))
	d.Tell = a.note
	p, err := d.Draft(ctx, restore.Choice{Source: c.From, Tables: c.Tables, From: c.FromSchema})
	if err != nil {
		return err
	}
	if err := allHeld(p, c.Tables); err != nil {
		return err
	}
	if c.Export == "" && !p.Assessment.Loss.Sure() {
		bar := a.progress()
		err := d.CompareAll(ctx, p, bar.report)
		bar.done()
		if err != nil {
			return err
		}
	}
	doc := restores.Lost{Backup: p.Source.Name, Loss: p.Assessment.Loss}
	if c.Export != "" {
		bar := a.progress()
		err := d.ExportLost(ctx, p, c.Export, bar.report)
		bar.done()
		if err != nil {
			return err
		}
		doc.Files = p.Exported
	}
	if c.JSON {
		return a.json(doc)
	}
	a.sayAll(p.LossTexts(a.lang))
	return nil
}

// allHeld refuses tables that are not in the backup: nothing was compared of them.
func allHeld(p *restore.Plan, tables []string) error {
	held, known := p.Source.Held()
	for _, t := range tables {
		if known && !slices.ContainsFunc(held, func(h restore.SourceTable) bool { return h.Name == t }) {
			return ops.E(ops.Usage, lang.M("the backup does not contain the table %s", t))
		}
	}
	return nil
}

// tellWhat says what an undo or a drop would lose, and refuses a drop of tables that the
// live database lacks.
func (q request) tellWhat(ctx context.Context, p *printer, d *restores.Desk, r *restorerun.Run,
	kind restore.Kind) error {
	switch {
	case kind == restore.KindUndo && r.State.Swapped:
		if err := restores.Covered(d, r); err != nil {
			return err
		}
		for _, m := range restores.LaterTexts(ctx, d, r) {
			p.note(m)
		}
		for _, m := range r.Plan.UndoTexts(r.State) {
			p.note(lang.M("  %s", m))
		}
	case kind == restore.KindDrop:
		found, err := d.Doomed(ctx, r)
		if err != nil {
			return err
		}
		for _, m := range found.Lines(r.Plan, r.State) {
			p.note(lang.M("  %s", m))
		}
		return found.Refuses(r.Plan, r.State, q.accept)
	}
	return nil
}
