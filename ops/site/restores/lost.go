package restores

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
	"opsdeck/ops/site/backups"
)

// Lost is what a restore would lose, for programs.
type Lost struct {
	Backup string `json:"backup"`
	restore.Loss
	Files []string `json:"files"`
}

// CompareAll compares all tables with the backup, however long that takes; the plan
// does so with those that take little time.
func (d *Desk) CompareAll(ctx context.Context, p *restore.Plan, report run.Report) error {
	server := d.server()
	defer server.Close()
	loss, err := server.Losses.Lost(ctx, p.Target.Live, p.Source, p.Tables, report)
	if err != nil {
		return err
	}
	p.Assessment.Loss = merged(loss, p.Assessment.Loss)
	return nil
}

// ExportLost writes what the plan would lose to a folder, and remembers the
// files in the plan, for its report.
func (d *Desk) ExportLost(ctx context.Context, p *restore.Plan, dir string, report run.Report) error {
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
	p.ExportedRows = loss.Rows() + loss.Changed()
	if a := p.Assessment; a != nil {
		loss = merged(loss, a.Loss)
	}
	text, err := json.MarshalIndent(Lost{Backup: p.Source.Name, Loss: loss, Files: files}, "", "  ")
	if err != nil {
		return err
	}
	about := filepath.Join(dir, "lost.json")
	if err := atomicfile.WriteBytes(about, 0o600, append(text, '\n')); err != nil {
		return backups.DiskError(err, dir)
	}
	p.Exported, p.ExportedAt = append(files, about), d.Clock.Now()
	if p.Assessment != nil {
		p.Assessment.Loss = loss
	}
	return nil
}

// exportRows writes the rows: of a restore to a moment what the log has after it, else
// what differs from the backup.
func (d *Desk) exportRows(
	ctx context.Context,
	p *restore.Plan,
	dir string,
	report run.Report,
) (loss restore.Loss, files []string, err error) {
	r := p.Source.Replay
	if r == nil {
		server := d.server()
		defer server.Close()
		return server.Losses.ExportLost(ctx, p.Target.Live, p.Source, p.Tables, dir, report)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return loss, nil, err
	}
	log, err := d.openLog(ctx, nil)
	if err != nil {
		return loss, nil, d.Shelf.Binlog().BinlogError(err)
	}
	defer log.Close()
	db, err := mysql.Open(ctx, d.Target, "")
	if err != nil {
		return loss, nil, err
	}
	defer db.Close()
	loss = r.Loss()
	files, loss.Unknown, err = replay.Lost(ctx, log, db, r, p.Target.Live, p.Tables, dir)
	return loss, files, err
}

// merged adds to what was exported what is known of the loss besides: who acted,
// and the numbers of tables whose rows do not tell their age.
func merged(exported, counted restore.Loss) restore.Loss {
	exported.Users = counted.Users
	exported.Resources = counted.Resources
	exported.Missing = counted.Missing
	exported.Logged = counted.Logged
	exported.Objects, exported.Unlisted = counted.Objects, counted.Unlisted
	for _, t := range counted.Tables {
		if slices.Contains(exported.Unknown, t.Table) {
			exported.Tables = append(exported.Tables, t)
		}
	}
	return exported
}

// exportDir is where the wizard exports to.
func (d *Desk) exportDir(p *restore.Plan) string {
	return filepath.Join(d.StateDir, "exports", d.Service.Name+"-"+p.ID)
}

// Later is what was written since a restore, and an undo would lose.
func (d *Desk) Later(ctx context.Context, r *run.Run) (restore.Loss, error) {
	server := d.server()
	defer server.Close()
	loss, err := server.Losses.Later(ctx, r.Plan, r.State.Data.TableRows, r.State.LiveSince())
	if err != nil {
		return loss, err
	}
	loss.Later, err = server.Losses.LaterDefinitions(ctx, r.Plan, r.Folder, r.State.Data.Emergency)
	return loss, err
}

// Dropped is an error where a drop was given up and its tables are still there.
func Dropped(d *Desk, id string) error {
	r, err := d.Load(id)
	if err != nil || !r.State.Stage.Final() || !r.State.Kept && !r.State.Unswapped() {
		return err
	}
	return ops.E(ops.Failed, lang.M("the tables kept by restore %s were not dropped", id)).
		WithHint(lang.M("the reason is above; try again: opsdeck restore drop-old %s", id))
}
