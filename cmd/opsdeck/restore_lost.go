package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/backups"
)

// restoreLostCmd is `opsdeck restore lost --from NAME`.
type restoreLostCmd struct {
	From   string   `placeholder:"NAME" help:"The backup; without it the newest usable one."`
	Tables []string `placeholder:"A,B" sep:"," help:"These tables alone."`

	FromSchema string `placeholder:"NAME" help:"The database in the dump, where it has another name than the service's."`

	Export string `placeholder:"DIR" help:"Write the rows to this folder too, as statements for replay."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// lostJSON is what would be lost, for programs.
type lostJSON struct {
	Backup string `json:"backup"`
	restore.Loss
	Files []string `json:"files"`
}

// Run says what a restore would lose, and exports it when a folder is given.
func (c *restoreLostCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	a.note(lang.M("checking the backup and the target …"))
	d.tell = a.note
	p, err := d.Draft(a.ctx, restore.Choice{Source: c.From, Tables: c.Tables, From: c.FromSchema})
	if err != nil {
		return err
	}
	if c.Export == "" && !p.Assessment.Loss.Sure() {
		if err := d.compareAll(a, p); err != nil {
			return err
		}
	}
	doc := lostJSON{Backup: p.Source.Name, Loss: p.Assessment.Loss, Files: []string{}}
	if c.Export != "" {
		bar := a.progress()
		err := d.exportLost(a.ctx, p, c.Export, bar.report)
		bar.done()
		if err != nil {
			return err
		}
		doc.Files = p.Exported
	}
	if c.JSON {
		return a.json(doc)
	}
	a.sayLoss(p)
	return nil
}

// compareAll compares all tables with the backup, however long that takes; the plan
// does so with those that take little time.
func (d *desk) compareAll(a *app, p *restore.Plan) error {
	server := d.server()
	defer server.Close()
	bar := a.progress()
	loss, err := server.Lost(a.ctx, p.Target.Live, p.Source, p.Tables, bar.report)
	bar.done()
	if err != nil {
		return err
	}
	p.Assessment.Loss = merged(loss, p.Assessment.Loss)
	return nil
}

// exportLost writes what the plan would lose to a folder, and remembers the
// files in the plan, for its report.
func (d *desk) exportLost(ctx context.Context, p *restore.Plan, dir string, report restore.Report) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
		return ops.E(ops.Usage, lang.M("the folder %s is not empty; nothing was exported", dir)).
			WithHint(lang.M("name a new folder"))
	}
	loss, files, err := d.exportRows(ctx, p, dir, report)
	if err != nil {
		return backups.DiskError(err, dir)
	}
	if a := p.Assessment; a != nil {
		loss = merged(loss, a.Loss)
	}
	text, err := json.MarshalIndent(lostJSON{Backup: p.Source.Name, Loss: loss, Files: files}, "", "  ")
	if err != nil {
		return err
	}
	about := filepath.Join(dir, "lost.json")
	if err := atomicfile.WriteBytes(about, 0o600, append(text, '\n')); err != nil {
		return backups.DiskError(err, dir)
	}
	p.Exported = append(files, about)
	if p.Assessment != nil {
		p.Assessment.Loss = loss
	}
	return nil
}

// exportRows writes the rows: of a restore to a moment what the log has after it, else
// what differs from the backup.
func (d *desk) exportRows(
	ctx context.Context,
	p *restore.Plan,
	dir string,
	report restore.Report,
) (loss restore.Loss, files []string, err error) {
	r := p.Source.Replay
	if r == nil {
		server := d.server()
		defer server.Close()
		return server.ExportLost(ctx, p.Target.Live, p.Source, p.Tables, dir, report)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return loss, nil, err
	}
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return loss, nil, d.BinlogError(err)
	}
	defer log.Close()
	db, err := mysql.Open(ctx, d.target, "")
	if err != nil {
		return loss, nil, err
	}
	defer db.Close()
	loss = r.Loss()
	loss.Unknown, err = replay.Lost(ctx, log, db, r, p.Target.Live, p.Tables, func(table string, all []string) error {
		path := filepath.Join(dir, filepath.Base(table)+".sql")
		text := replay.LostHead + strings.Join(all, ";\n") + ";\n"
		files = append(files, path)
		return atomicfile.WriteBytes(path, 0o600, []byte(text))
	})
	return loss, files, err
}

// merged adds to what was exported what is known of the loss besides: who acted,
// and the numbers of tables whose rows do not tell their age.
func merged(exported, told restore.Loss) restore.Loss {
	exported.Users, exported.Resources, exported.Missing = told.Users, told.Resources, told.Missing
	for _, t := range told.Tables {
		if has(exported.Unknown, t.Table) {
			exported.Tables = append(exported.Tables, t)
		}
	}
	return exported
}

// exportDir is where the wizard exports to.
func (d *desk) exportDir(p *restore.Plan) string {
	return filepath.Join(d.StateDir, "exports", d.Service.Name+"-"+p.ID)
}

func (a *app) sayLoss(p *restore.Plan) {
	loss := p.Assessment.Loss
	a.say(lang.M("newer than %s (%s):", p.Source.Name, loss.Since.Local().Format("2006-01-02 15:04:05")))
	for _, t := range loss.Tables {
		a.say(lang.M("  %s", lang.Raw(a.lossLine(t))))
	}
	for _, doubt := range loss.Doubts() {
		a.say(lang.M("  %s", doubt))
	}
	for _, part := range []struct {
		what lang.Msg
		list []string
	}{{lang.M("people who acted since"), loss.Users}, {lang.M("what they touched"), loss.Resources}, {lang.M("exported"), p.Exported}} {
		if len(part.list) > 0 {
			a.say(lang.M("%s: %s", part.what, termsafe.Line(strings.Join(part.list, ", "))))
		}
	}
}

// lossLine is the loss in one table, in words.
func (a *app) lossLine(t restore.LossTable) string {
	rows := fmt.Sprintf("%s  %s", termsafe.Line(t.Table), a.lang.T("%s rows", human.Count(t.Newer)))
	return strings.Join(append([]string{rows}, t.About(a.lang)...), ", ")
}

// later is what was written since a restore, and an undo would lose.
func (d *desk) later(ctx context.Context, r *restore.Run) (restore.Loss, error) {
	server := d.server()
	defer server.Close()
	return server.Later(ctx, r.Plan, r.State.LiveSince())
}

// tellLater says what an undo would lose. A server that cannot be asked is no
// reason not to undo: the undo itself exports before it goes back.
func (d *desk) tellLater(r *restore.Run) {
	loss, err := d.later(d.ctx, r)
	if err != nil {
		d.note(lang.M("what was written since the restore cannot be counted now: %s", err.Error()))
		return
	}
	for _, t := range loss.Tables {
		d.note(lang.M("  written since the restore; exported, then removed: %s", lang.Raw(d.lossLine(t))))
	}
	for _, doubt := range loss.Doubts() {
		d.note(lang.M("  %s", doubt))
	}
}
