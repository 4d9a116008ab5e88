package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/auditlog"
	"opsdeck/ops/site/audits"
)

type auditArchiveCmd struct {
	Year    int           `required:"" placeholder:"Y" help:"The year to archive, by local time."`
	Dir     string        `placeholder:"DIR" type:"path" help:"Folder of the archive; the backups' by default."`
	Delete  bool          `help:"Then delete the archived rows from the table, in small batches."`
	Confirm string        `placeholder:"NAME" help:"The database's name, to confirm the deletion without a terminal."`
	Pause   time.Duration `default:"100ms" placeholder:"DUR" help:"Pause after each batch of a deletion."`
	DryRun  bool          `help:"Only show what would be done."`
	Yes     bool          `help:"Continue even if many rows must be read."`
	JSON    bool          `name:"json" help:"Print JSON."`
}

// archiveJSON is the command's document.
type archiveJSON struct {
	Path      string `json:"path"`
	Year      int    `json:"year"`
	Rows      int64  `json:"rows"`
	SizeBytes int64  `json:"size_bytes,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Made      bool   `json:"made"`
	Verified  bool   `json:"verified"`
	Deleted   int64  `json:"deleted_rows"`
	Gone      int64  `json:"gone_rows"`
	Differing int64  `json:"differing_rows"`
	Late      int64  `json:"late_rows,omitempty"` // of the year, in the table and not in the archive
	DryRun    bool   `json:"dry_run,omitempty"`
}

// Run archives a year and, when asked, deletes what was archived.
func (c *auditArchiveCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	s, err := a.chosen()
	if err != nil {
		return err
	}
	if c.Delete && !c.DryRun {
		database, err := holdDatabase(ctx, s, "audit archive")
		if err != nil {
			return err
		}
		defer database.Release()
	}
	src, err := audits.OpenArchiver(ctx, s)
	if err != nil {
		return err
	}
	defer src.Close()
	if !c.DryRun {
		held, err := src.Lock()
		if err != nil {
			return err
		}
		defer held.Release()
	}
	plan, err := src.Plan(ctx, c.Year, c.Dir, a.leave(ctx, c.Yes))
	if err != nil {
		return err
	}
	if c.Delete {
		triggers, err := src.Beside(ctx)
		if err != nil {
			return err
		}
		if len(triggers) > 0 {
			a.note(lang.M("these triggers of %s run for each deleted row: %s", s.Service.Audit.Table,
				strings.Join(triggers, ", ")))
		}
	}
	doc := archiveJSON{Path: plan.File, Year: c.Year, Rows: plan.Rows, DryRun: c.DryRun}
	database := s.Service.Database.Name
	if c.DryRun {
		return c.dryRun(ctx, a, src, database, plan, doc)
	}
	if c.Delete {
		// Asked before the long work, so that nobody has to wait for the question.
		if err := a.confirm(ctx, database, c.Confirm, lang.M("%s rows of %d will be deleted from %s once their "+
			"archive is verified.", human.Count(plan.Rows), c.Year, database+"."+s.Service.Audit.Table)); err != nil {
			return err
		}
	}
	return c.work(ctx, a, src, plan, doc)
}

// dryRun tells what the run would: an archive that exists is proved now, so that
// one which the run would refuse is refused here.
func (c *auditArchiveCmd) dryRun(ctx context.Context, a *app, src *audits.Archiver, database string,
	plan auditlog.YearPlan, doc archiveJSON) error {
	if plan.Exists {
		p := a.progress()
		defer p.done()
		found, err := src.Check(ctx, plan, p.report)
		p.done()
		if err != nil {
			return err
		}
		doc.Rows = found.Rows
		doc.SizeBytes = found.SizeBytes
		doc.SHA256 = found.SHA256
		doc.Verified = true
	}
	return c.finish(a, doc, func() { c.sayPlan(a, plan, doc, database) })
}

func (c *auditArchiveCmd) sayPlan(a *app, p auditlog.YearPlan, doc archiveJSON, database string) {
	if p.Exists {
		a.say(lang.M("%s rows in %s (%s), verified", human.Count(doc.Rows), p.File, human.Bytes(doc.SizeBytes)))
	} else {
		a.say(lang.M("%s rows of %d would go to %s", human.Count(p.Rows), p.Year, p.File))
	}
	a.say(lang.M("condition: %s", p.Where))
	if c.Delete {
		a.say(lang.M("then %s rows would be deleted from %s, 500 at a time", human.Count(p.Rows), database))
	}
}

// work archives, deletes, and records both.
func (c *auditArchiveCmd) work(ctx context.Context, a *app, src *audits.Archiver, plan auditlog.YearPlan,
	doc archiveJSON) error {
	p := a.progress()
	defer p.done()
	made, err := src.Archive(ctx, plan, p.report)
	p.done()
	if err != nil {
		return err
	}
	doc.Rows = made.Rows
	doc.SizeBytes = made.SizeBytes
	doc.SHA256 = made.SHA256
	doc.Made = made.Made
	doc.Verified = true
	a.note(lang.M("%s rows in %s (%s), verified", human.Count(made.Rows), made.Path, human.Bytes(made.SizeBytes)))
	if c.Delete {
		d, err := src.Delete(ctx, made.Path, c.Pause, p.report)
		p.done()
		doc.Deleted = d.Rows
		doc.Gone = d.Gone
		doc.Differing = d.Differs
		if !made.Made { // rows that were written after the archive
			doc.Late = max(0, plan.Rows-d.Rows-d.Differs)
		}
		if err != nil {
			a.note(lang.M("%s rows were deleted; the same command continues from there", human.Count(d.Rows)))
			return err
		}
	}
	err = c.finish(a, doc, func() {
		if c.Delete {
			a.say(lang.M("%s rows deleted, %s no longer existed", human.Count(doc.Deleted), human.Count(doc.Gone)))
		}
	})
	if err == nil && doc.Differing > 0 {
		err = ops.E(ops.Failed, lang.M("%s rows were kept: they differ from the archive", human.Count(doc.Differing)))
	}
	if err == nil && doc.Late > 0 {
		other := filepath.Join(filepath.Dir(plan.File), "late")
		err = ops.E(ops.Failed, lang.M("the archive lacks %s rows of %d, written after it; none of that was deleted",
			human.Count(doc.Late), plan.Year)).
			WithHint(lang.M("archive them in another folder: opsdeck audit archive --year %d --dir %s --delete",
				plan.Year,
				other))
	}
	return err
}

func (c *auditArchiveCmd) finish(a *app, doc archiveJSON, plain func()) error {
	if c.JSON {
		return a.json(doc)
	}
	plain()
	return nil
}

type auditRestoreArchiveCmd struct {
	File   string `arg:"" type:"path" help:"The archive: audit_logs_2025.sql.gz."`
	As     string `placeholder:"TABLE" help:"Name of the new table; the file's name by default."`
	DryRun bool   `help:"Only show what would be done."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run loads an archive beside the live table.
func (c *auditRestoreArchiveCmd) Run(ctx context.Context, a *app) error {
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	if c.As == "" {
		c.As, _, _ = strings.Cut(filepath.Base(c.File), ".")
	}
	s, err := a.chosen()
	if err != nil {
		return err
	}
	if !c.DryRun {
		database, err := holdDatabase(ctx, s, "audit restore-archive")
		if err != nil {
			return err
		}
		defer database.Release()
	}
	src, err := audits.OpenArchiver(ctx, s)
	if err != nil {
		return err
	}
	defer src.Close()
	if c.DryRun {
		a.say(lang.M("%s would be loaded as the table %s of %s", c.File, c.As, s.Service.Database.Name))
		a.say(lang.M("until it is done, the server needs room for the rows twice, and twice in its binlog"))
		return nil
	}
	held, err := src.Lock()
	if err != nil {
		return err
	}
	defer held.Release()
	p := a.progress()
	defer p.done()
	rows, err := src.Load(ctx, c.File, c.As, p.report)
	p.done()
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			Table string `json:"table"`
			Rows  int64  `json:"rows"`
		}{c.As, rows})
	}
	a.say(lang.M("%s rows in the table %s; read them with audit.table: %s", human.Count(rows), c.As, c.As))
	return nil
}
