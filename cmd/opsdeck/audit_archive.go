package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/version"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/mysql/auditlog"
)

type auditArchiveCmd struct {
	Year    int           `required:"" placeholder:"Y" help:"The year to archive, by local time."`
	Dir     string        `placeholder:"DIR" type:"path" help:"Folder of the archive; the backups' by default."`
	Delete  bool          `help:"Then delete the archived rows from the table, in small batches."`
	Confirm string        `placeholder:"NAME" help:"The database's name, to confirm the deletion without a terminal."`
	Pause   time.Duration `default:"100ms" placeholder:"DUR" help:"Pause after each batch of a deletion."`
	DryRun  bool          `help:"Only say what would be done."`
	Yes     bool          `help:"Read on where many rows would be read."`
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
	DryRun    bool   `json:"dry_run,omitempty"`
}

// Run archives a year and, when asked, deletes what was archived.
func (c *auditArchiveCmd) Run(ctx context.Context, a *app) error {
	if !c.DryRun {
		if err := a.writable(); err != nil {
			return err
		}
	}
	svc, err := a.service()
	if err != nil {
		return err
	}
	if c.Delete && !c.DryRun {
		database, err := a.holdDatabase(ctx, svc, "audit archive")
		if err != nil {
			return err
		}
		defer database.Release()
	}
	primary := *svc
	primary.Audit.Replica = config.Database{} // rows are deleted where they were written
	src, err := a.openAudit(ctx, &primary)
	if err != nil {
		return err
	}
	defer src.Close()
	if !c.DryRun {
		held, err := a.archiveLock()
		if err != nil {
			return err
		}
		defer held.Release()
	}
	plan, err := c.plan(ctx, a, src.Source, svc)
	if err != nil {
		return err
	}
	doc := archiveJSON{Path: plan.File, Year: c.Year, Rows: plan.Rows, DryRun: c.DryRun}
	if c.DryRun {
		return c.dryRun(ctx, a, src.Source, svc, plan, doc)
	}
	if c.Delete {
		// Asked before the long work, so that nobody has to wait for the question.
		if err := a.confirm(ctx, svc.Database.Name, c.Confirm, lang.M("%s rows of %d will be deleted from %s once their "+
			"archive is verified.", human.Count(plan.Rows), c.Year,
			svc.Database.Name+"."+svc.Audit.Table)); err != nil {
			return err
		}
	}
	return c.work(ctx, a, src.Source, svc, plan, doc)
}

func (a *app) archiveLock() (*lock.Lock, error) {
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return lock.Take(
		filepath.Join(state, "locks", "audit-archive.lock"),
		lock.Holder{User: oplog.UserName(), What: "audit archive"},
	)
}

func (c *auditArchiveCmd) plan(
	ctx context.Context,
	a *app,
	src *auditlog.Source,
	svc *config.Service,
) (auditlog.YearPlan, error) {
	dir := c.Dir
	if dir == "" {
		dir = config.Home(svc.Backup.Dir)
	}
	if now := a.clock.Now().Year(); c.Year < 1970 || c.Year >= now {
		return auditlog.YearPlan{}, ops.E(
			ops.Usage,
			lang.M("only a year that is over can be archived, not %d", c.Year),
		)
	}
	var plan auditlog.YearPlan
	err := a.withLeave(ctx, src, c.Yes, src.MaxRows(), func(bool) (err error) {
		plan, err = src.PlanYear(ctx, c.Year, time.Local, dir)
		return err
	})
	if err == nil && plan.Rows == 0 && !plan.Exists {
		err = ops.E(ops.Failed, lang.M("the table %s has no rows of %d", svc.Audit.Table, c.Year))
	}
	return plan, err
}

// dryRun tells what the run would: an archive that exists is proved now, so that
// one which the run would refuse is refused here.
func (c *auditArchiveCmd) dryRun(
	ctx context.Context,
	a *app,
	src *auditlog.Source,
	svc *config.Service,
	plan auditlog.YearPlan,
	doc archiveJSON,
) error {
	if plan.Exists {
		p := a.progress()
		defer p.done()
		found, err := src.CheckArchive(ctx, plan, p.report)
		p.done()
		if err != nil {
			return err
		}
		doc.Rows, doc.SizeBytes, doc.SHA256, doc.Verified = found.Rows, found.SizeBytes, found.SHA256, true
	}
	return c.finish(a, doc, func() { c.sayPlan(a, plan, doc, svc.Database.Name) })
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
func (c *auditArchiveCmd) work(
	ctx context.Context,
	a *app,
	src *auditlog.Source,
	svc *config.Service,
	plan auditlog.YearPlan,
	doc archiveJSON,
) error {
	p := a.progress()
	defer p.done()
	made, err := src.ArchiveYear(ctx, plan, "opsdeck "+version.Get().String(), p.report)
	p.done()
	if made.Made || err != nil {
		a.recordAudit(ctx,
			svc,
			"audit.archive",
			made.Path,
			err,
			map[string]string{"rows": fmt.Sprint(made.Rows), "sha256": made.SHA256},
		)
	}
	if err != nil {
		return err
	}
	doc.Rows, doc.SizeBytes, doc.SHA256, doc.Made, doc.Verified = made.Rows, made.SizeBytes, made.SHA256, made.Made,
		true
	a.note(lang.M("%s rows in %s (%s), verified", human.Count(made.Rows), made.Path, human.Bytes(made.SizeBytes)))
	if c.Delete {
		d, err := src.DeleteArchived(ctx, made.Path, c.Pause, p.report)
		p.done()
		doc.Deleted, doc.Gone, doc.Differing = d.Rows, d.Gone, d.Differs
		a.recordAudit(ctx,
			svc,
			"audit.delete",
			svc.Audit.Table,
			err,
			map[string]string{"rows": fmt.Sprint(d.Rows), "archive": made.Path},
		)
		if err != nil {
			a.note(lang.M("%s rows were deleted; the same command continues from there", human.Count(d.Rows)))
			return err
		}
	}
	err = c.finish(a, doc, func() {
		if c.Delete {
			a.say(lang.M("%s rows deleted, %s were gone before", human.Count(doc.Deleted), human.Count(doc.Gone)))
		}
	})
	if err == nil && doc.Differing > 0 {
		err = ops.E(
			ops.Failed,
			lang.M("%s rows were left: they are not as they were archived", human.Count(doc.Differing)),
		)
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

// recordAudit writes an act on the audit table to the record of operations.
// Failing to is told; the act is done.
func (a *app) recordAudit(
	ctx context.Context,
	svc *config.Service,
	action, object string,
	err error,
	detail map[string]string,
) {
	result := "ok"
	if err != nil {
		result = "failed"
		detail["error"] = err.Error()
	}
	log, e := a.oplog(ctx)
	if e == nil {
		e = log.Record(oplog.Entry{Service: svc.Name, Action: action, Object: object, Result: result, Detail: detail})
	}
	if e != nil {
		a.note(lang.M("the record of operations cannot be written: %s", e.Error()))
	}
}

type auditRestoreArchiveCmd struct {
	File   string `arg:"" type:"path" help:"The archive: audit_logs_2025.sql.gz."`
	As     string `placeholder:"TABLE" help:"Name of the new table; the file's name by default."`
	DryRun bool   `help:"Only say what would be done."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run loads an archive beside the live table.
func (c *auditRestoreArchiveCmd) Run(ctx context.Context, a *app) error {
	if !c.DryRun {
		if err := a.writable(); err != nil {
			return err
		}
	}
	if c.As == "" {
		c.As, _, _ = strings.Cut(filepath.Base(c.File), ".")
	}
	svc, err := a.service()
	if err != nil {
		return err
	}
	if !c.DryRun {
		database, err := a.holdDatabase(ctx, svc, "audit restore-archive")
		if err != nil {
			return err
		}
		defer database.Release()
	}
	primary := *svc
	primary.Audit.Replica = config.Database{}
	src, err := a.openAudit(ctx, &primary)
	if err != nil {
		return err
	}
	defer src.Close()
	if c.DryRun {
		a.say(lang.M("%s would be loaded as the table %s of %s", c.File, c.As, svc.Database.Name))
		return nil
	}
	held, err := a.archiveLock()
	if err != nil {
		return err
	}
	defer held.Release()
	p := a.progress()
	defer p.done()
	rows, err := src.LoadArchive(ctx, auditlog.LoadArchive{Path: c.File, As: c.As, Report: p.report})
	p.done()
	a.recordAudit(ctx,
		svc,
		"audit.restore-archive",
		c.As,
		err,
		map[string]string{"rows": fmt.Sprint(rows), "archive": c.File},
	)
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

// listArchive lists rows of an archive without loading it.
func (c *auditListCmd) listArchive(ctx context.Context, a *app) error {
	svc, err := a.service()
	if err != nil {
		return err
	}
	state, err := a.stateDir()
	if err != nil {
		return err
	}
	p := a.progress()
	defer p.done()
	ar := auditlog.Archive{
		Path:     c.Archive,
		Table:    svc.Audit.Table,
		Columns:  svc.Audit.Columns,
		Zone:     auditZone(svc),
		StateDir: state,
		Report:   p.report,
	}
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
