package audits

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/version"
	"opsdeck/ops"
	"opsdeck/ops/mysql/auditlog"
	"opsdeck/ops/site"
)

// Archiver archives years of a service's audit table, deletes what was archived,
// and loads archives again. It records what it does.
type Archiver struct {
	site  *site.Site
	table *Table
}

// OpenArchiver opens the table where its rows are written.
func OpenArchiver(ctx context.Context, s *site.Site) (*Archiver, error) {
	t, err := openPrimary(ctx, s)
	if err != nil {
		return nil, err
	}
	return &Archiver{s, t}, nil
}

// Close ends its connections.
func (a *Archiver) Close() { a.table.Close() }

// Lock keeps a second archiving of this state folder out; busy is *lock.HeldError.
func (a *Archiver) Lock() (*lock.Lock, error) {
	return lock.Take(filepath.Join(a.site.StateDir, "locks", "audit-archive.lock"),
		lock.Holder{User: oplog.UserName(), What: "audit archive"})
}

// Plan finds the rows of a year that is over, and the file that they go to: in dir, or
// in the folder of the backups.
func (a *Archiver) Plan(ctx context.Context, year int, dir string, l Leave) (auditlog.YearPlan, error) {
	if dir == "" {
		dir = config.Home(a.site.Service.Backup.Dir)
	}
	if now := a.site.Clock.Now().Year(); year < 1970 || year >= now {
		return auditlog.YearPlan{}, ops.E(ops.Usage, lang.M("only a year that is over can be archived, not %d", year))
	}
	var plan auditlog.YearPlan
	err := a.table.Read(ctx, l, func(bool) (err error) {
		plan, err = a.table.Years().Plan(ctx, year, time.Local, dir)
		return err
	})
	if err == nil && plan.Rows == 0 && !plan.Exists {
		err = ops.E(ops.Failed, lang.M("the table %s has no rows of %d", a.site.Service.Audit.Table, year))
	}
	return plan, err
}

// Beside refuses a deletion that would reach rows of other tables, and lists the triggers
// that would run for each deleted row.
func (a *Archiver) Beside(ctx context.Context) (triggers []string, err error) {
	return a.table.Years().Beside(ctx)
}

// Check proves an archive that exists.
func (a *Archiver) Check(ctx context.Context, p auditlog.YearPlan,
	report func(ops.Progress)) (auditlog.Archived, error) {
	return a.table.Years().Check(ctx, p, report)
}

// Archive makes the archive of a plan, or proves the one that exists.
func (a *Archiver) Archive(ctx context.Context, p auditlog.YearPlan,
	report func(ops.Progress)) (auditlog.Archived, error) {
	made, err := a.table.Years().Make(ctx, p, "opsdeck "+version.Get().String(), report)
	if made.Made || err != nil {
		a.record(ctx, "audit.archive", made.Path, err,
			map[string]string{"rows": fmt.Sprint(made.Rows), "sha256": made.SHA256})
	}
	return made, err
}

// Delete deletes the archived rows from the table, in batches with a pause after each.
func (a *Archiver) Delete(ctx context.Context, path string, pause time.Duration,
	report func(ops.Progress)) (auditlog.Deleted, error) {
	d, err := a.table.Years().Delete(ctx, path, pause, report)
	a.record(ctx, "audit.delete", a.site.Service.Audit.Table, err,
		map[string]string{"rows": fmt.Sprint(d.Rows), "archive": path})
	return d, err
}

// Load loads an archive as a table beside the live one, and tells how many rows it has.
func (a *Archiver) Load(ctx context.Context, path, as string, report func(ops.Progress)) (int64, error) {
	rows, err := a.table.Years().Load(ctx, auditlog.LoadArchive{Path: path, As: as, Report: report})
	a.record(ctx, "audit.restore-archive", as, err, map[string]string{"rows": fmt.Sprint(rows), "archive": path})
	return rows, err
}

// record writes an act on the audit table to the record of operations. Failing to
// is told; the act is done.
func (a *Archiver) record(ctx context.Context, action, object string, err error, detail map[string]string) {
	entry := oplog.Entry{
		Service: a.site.Service.Name,
		Action:  action,
		Object:  object,
		Result:  "ok",
		Detail:  detail,
	}
	if err != nil {
		entry.Result = oplog.Failed
		detail["error"] = err.Error()
	}
	if e := a.site.Oplog(ctx).Record(entry); e != nil {
		a.site.Say(lang.M("the record of operations cannot be written: %s", e.Error()))
	}
}

// File is an archive, or any dump that holds the service's audit table, to be read
// without a server.
func File(s *site.Site, path string, report func(ops.Progress)) auditlog.Archive {
	a := s.Service.Audit
	return auditlog.Archive{
		Path:     path,
		Table:    a.Table,
		Columns:  a.Columns,
		Zone:     columnZone(a.TimeZone),
		StateDir: s.StateDir,
		Report:   report,
	}
}
