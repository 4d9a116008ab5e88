package swap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// exporter writes the rows that a restore or undo would lose, as one SQL file per table,
// for manual replay.
type exporter struct {
	s      *Losses
	in     string
	src    restore.Source
	since  time.Time
	scope  []string // empty means all tables
	dir    string   // empty means that nothing is written
	undo   bool     // of an undo, which can bring back what was deleted
	cmp    *compare
	report run.Report
	// Of a restore to a moment: its plan, and its tables as verified.
	plan     *restore.Plan
	verified []restore.TableRows

	loss  restore.Loss
	files []string
	names replay.LostNames
}

// Lost compares the live tables with a backup, without a time limit.
func (x *Losses) Lost(
	ctx context.Context,
	live string,
	src restore.Source,
	scope []string,
	report run.Report,
) (restore.Loss, error) {
	loss, _, err := x.ExportLost(ctx, live, src, scope, "", report)
	return loss, err
}

// ExportLost writes what is newer than a backup to dir, before the backup is restored;
// without dir it only counts.
func (x *Losses) ExportLost(
	ctx context.Context,
	live string,
	src restore.Source,
	scope []string,
	dir string,
	report run.Report,
) (restore.Loss, []string, error) {
	e := &exporter{s: x, in: live, src: src, since: src.At, scope: scope, dir: dir, report: report}
	err := e.run(ctx)
	return e.loss, e.files, err
}

// Later counts what was written since the restore: what an undo would lose. done are the
// restored tables as verified.
func (x *Losses) Later(
	ctx context.Context,
	p *restore.Plan,
	done []restore.TableRows,
	since time.Time,
) (restore.Loss, error) {
	loss := restore.Loss{Since: since}
	db, err := x.db(ctx)
	if err != nil {
		return loss, err
	}
	list, err := schema.Tables(ctx, db, p.Target.Live)
	if err != nil {
		return loss, fmt.Errorf("list the tables of %s: %w", p.Target.Live, err)
	}
	list, loss.Unknown, err = x.damage.readable(ctx, p.Target.Live, list)
	if err != nil {
		return loss, err
	}
	list = inScope(list, p.Tables)
	if p.Source.Replay != nil {
		_, _, log, err := x.laterByLog(ctx, p, list, done, &loss)
		if log != nil {
			err = errors.Join(err, log.Close())
		}
		return loss, err
	}
	cmp := x.differ.comparer(p.Source, nil)
	if cmp != nil {
		cmp.gone = true
	}
	x.differ.ahead(ctx, cmp, list, p.Source)
	for _, t := range list {
		one, ok := x.laterIn(ctx, cmp, t, p.Source, since)
		if !ok {
			loss.Unknown = append(loss.Unknown, t.Name)
			continue
		}
		one.Blind = one.Blind && t.Name != x.audit
		loss.See(one)
	}
	return loss, ctx.Err()
}

func (x *Losses) laterIn(
	ctx context.Context,
	cmp *compare,
	t *schema.Table,
	src restore.Source,
	since time.Time,
) (restore.LossTable, bool) {
	bounded, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	stored, known := src.Table(t.Name)
	if src.Manifest && !known {
		out := restore.LossTable{Table: t.Name, How: "count", Vanishes: true}
		var err error
		out.Newer, err = x.differ.utc(bounded, "SELECT COUNT(*) FROM "+t.SQLName())
		return out, err == nil
	}
	if one, ok := x.differ.exactly(bounded, cmp, t, src, nil); ok {
		return one, true
	}
	aged, stop := context.WithTimeout(ctx, lookLimit)
	defer stop()
	return x.differ.byAge(aged, t, stored, since)
}

// Export writes the rows that are newer than the restore to the run's folder.
func (x *Losses) Export(
	ctx context.Context,
	p *restore.Plan,
	since time.Time,
	f run.Folder,
	report run.Report,
) (restore.Loss, []string, error) {
	e := &exporter{
		s:      x,
		in:     p.Target.Live,
		src:    p.Source,
		since:  since,
		scope:  p.Tables,
		undo:   true,
		dir:    filepath.Join(f.Path, "later-writes"),
		report: report,
	}
	if p.Source.Replay != nil {
		done, err := f.Load()
		if err != nil {
			return restore.Loss{}, nil, err
		}
		e.plan, e.verified = p, done.State.Data.TableRows
	}
	err := e.run(ctx)
	return e.loss, e.files, err
}

// unwatched are the engines whose tables have neither InnoDB's counters nor a time of change: a
// write without the binlog is seen in their rows alone.
const unwatched = "'Aria', 'MEMORY', 'ARCHIVE', 'CSV'"

// Unseen exports, after a swap, what the old tables of such engines have beyond the emergency
// backup: nobody writes to them any more.
func (x *Losses) Unseen(
	ctx context.Context, p *restore.Plan, emergency string, f run.Folder, report run.Report,
) (restore.Loss, []string, error) {
	return x.uncounted(ctx, p, p.Kept, emergency, filepath.Join(f.Path, "later-writes"), report)
}

// Unsaved counts, before a load in place, what the live tables of such engines have beyond the
// emergency backup.
func (x *Losses) Unsaved(
	ctx context.Context, p *restore.Plan, emergency string, report run.Report,
) (restore.Loss, error) {
	loss, _, err := x.uncounted(ctx, p, p.Target.Database, emergency, "", report)
	return loss, err
}

func (x *Losses) uncounted(
	ctx context.Context, p *restore.Plan, in, emergency, dir string, report run.Report,
) (restore.Loss, []string, error) {
	db, err := x.db(ctx)
	if err != nil {
		return restore.Loss{}, nil, err
	}
	rows, err := schema.All(ctx, db, "SELECT TABLE_NAME FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA = ? AND ENGINE IN ("+unwatched+")", in)
	if err != nil || len(rows) == 0 {
		return restore.Loss{}, nil, err
	}
	src, err := savedSource(emergency, p.Target.Live)
	if err != nil {
		return restore.Loss{}, nil, err
	}
	e := &exporter{s: x, in: in, src: src, undo: true, dir: dir, report: report}
	for _, r := range rows {
		if _, saved := src.Table(r[0]); saved && (len(p.Tables) == 0 || slices.Contains(p.Tables, r[0])) {
			e.scope = append(e.scope, r[0])
		}
	}
	if len(e.scope) == 0 {
		return restore.Loss{}, nil, nil
	}
	err = e.run(ctx)
	return e.loss, e.files, err
}

func (e *exporter) run(ctx context.Context) error {
	e.loss.Since = e.since
	db, err := e.s.db(ctx)
	if err != nil {
		return err
	}
	list, err := schema.Tables(ctx, db, e.in)
	if err != nil {
		return fmt.Errorf("list the tables of %s: %w", e.in, err)
	}
	if list, e.loss.Unknown, err = e.s.damage.readable(ctx, e.in, list); err != nil {
		return err
	}
	if e.dir != "" {
		if err := os.MkdirAll(e.dir, 0o700); err != nil {
			return err
		}
	}
	list = inScope(list, e.scope)
	if e.plan != nil {
		return e.byLog(ctx, list)
	}
	if e.cmp = e.s.differ.comparer(e.src, e.report); e.cmp != nil {
		e.cmp.gone = e.undo
	}
	if e.cmp != nil && !e.src.Indexed {
		e.cmp.unread = e.cmp.ahead(ctx, list)
	}
	for i, t := range list {
		e.report(ops.Progress{Phase: "export", Object: t.Name, Done: int64(i), Total: int64(len(list)), Unit: "tables"})
		if err := e.table(ctx, t); err != nil {
			return fmt.Errorf("export %s: %w", t.Name, err)
		}
	}
	return nil
}

// table writes a table's file; a table that cannot be compared is listed by name.
func (e *exporter) table(ctx context.Context, t *schema.Table) error {
	_, known := e.src.Table(t.Name)
	if e.src.Manifest && !known {
		return e.vanishing(ctx, t)
	}
	f, err := e.open(ctx, t)
	if err != nil {
		return err
	}
	defer f.abort()
	lost, ok := e.s.differ.exactly(ctx, e.cmp, t, e.src, f.sink(t))
	if f.err != nil {
		return f.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if ok && lost.Vanishes { // in a dump without a manifest
		return e.vanishing(ctx, t)
	}
	if !ok {
		f.abort()
		return e.aged(ctx, t)
	}
	return e.see(f, lost)
}

// vanishing writes a table that the backup does not have, with its definition.
func (e *exporter) vanishing(ctx context.Context, t *schema.Table) error {
	lost := restore.LossTable{Table: t.Name, How: "count", Vanishes: true}
	f, err := e.open(ctx, t)
	if err != nil {
		return err
	}
	defer f.abort()
	c, err := e.s.differ.reader(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := f.whole(ctx, c, t, &lost.Newer); err != nil {
		return err
	}
	return e.see(f, lost)
}

// aged writes the newer rows of a table that cannot be compared, selected by their age.
func (e *exporter) aged(ctx context.Context, t *schema.Table) error {
	stored, _ := e.src.Table(t.Name)
	n, err := e.s.differ.newer(ctx, t, stored, e.since)
	if err != nil || n.how == "" {
		e.loss.Unknown = append(e.loss.Unknown, t.Name)
		return err
	}
	f, err := e.open(ctx, t)
	if err != nil {
		return err
	}
	defer f.abort()
	c, err := e.s.differ.reader(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	lost := restore.LossTable{Table: t.Name, How: n.how, Estimate: true, Blind: true}
	err = errors.Join(
		f.rows(ctx, c, t, n.newRows(), false, &lost.Newer),
		f.rows(ctx, c, t, n.changedRows(), true, &lost.Changed),
	)
	if err != nil {
		return err
	}
	if lost.Newer+lost.Changed == 0 {
		e.loss.Unknown = append(e.loss.Unknown, t.Name)
		return nil
	}
	return e.see(f, lost)
}

// open creates a table's file.
func (e *exporter) open(ctx context.Context, t *schema.Table) (*export, error) {
	if e.dir == "" {
		return &export{}, nil
	}
	return newExport(ctx, e.s.link, t, filepath.Join(e.dir, e.names.Of(t.Name)), e.since)
}

// see records the result, and keeps the file if it has contents.
func (e *exporter) see(f *export, lost restore.LossTable) error {
	lost.Blind = lost.Blind && lost.Table != e.s.audit
	e.loss.See(lost)
	if f.file == nil || lost.Newer+lost.Changed == 0 && !lost.Vanishes {
		return nil
	}
	e.files = append(e.files, f.file.Path())
	return f.end()
}
