package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/load"
)

// Years are a table's archives: a year's rows in a file of their own, checked,
// deleted from the table, loaded again.
type Years struct{ src *Source }

// Years of the table.
func (s *Source) Years() *Years { return &Years{src: s} }

// YearPlan is what archiving a year would take.
type YearPlan struct {
	Year         int       `json:"year"`
	Since, Until time.Time `json:"-"`
	Rows         int64     `json:"rows"`  // of that year, in the table now
	Where        string    `json:"where"` // the condition, on the time and the key
	File         string    `json:"file"`
	Exists       bool      `json:"exists"` // the file stands there already
}

// maxWhereRanges is how many runs of ids a condition names one by one.
const maxWhereRanges = 16

// Plan finds the rows of a year and the file they go to. A year begins and
// ends by the clocks of zone. The condition is a range of time and, where the
// table's order is proved, of ids, so that it reads little more than the year.
func (y *Years) Plan(ctx context.Context, year int, zone *time.Location, dir string) (YearPlan, error) {
	p := YearPlan{
		Year:  year,
		Since: time.Date(year, 1, 1, 0, 0, 0, 0, zone),
		Until: time.Date(year+1, 1, 1, 0, 0, 0, 0, zone),
		File:  filepath.Join(dir, fmt.Sprintf("%s_%d.sql.gz", y.src.r.opt.Table, year)),
	}
	if _, err := os.Lstat(p.File); err == nil {
		p.Exists = true
	}
	f := audit.Filter{Since: p.Since, Until: p.Until}
	since, until := f.Span(y.src.r.layout)
	at := y.src.r.col(audit.CreatedAt)
	p.Where = fmt.Sprintf("%s >= '%s' AND %s < '%s'", at, since, at, until)
	var way route
	err := y.src.lane.with(ctx, func(ctx context.Context, q *session) (err error) {
		way, err = y.src.order.route(ctx, q, f)
		return err
	})
	if err != nil {
		return p, y.src.lane.asked(err)
	}
	if keys := y.src.r.keyRanges(way.ranges); keys != "" {
		p.Where += " AND " + keys
	}
	p.Rows, err = way.count(ctx, y.src.lane, nil)
	return p, y.src.lane.asked(err)
}

// Archived is an archive that was checked.
type Archived struct {
	Path      string
	Rows      int64
	SizeBytes int64
	SHA256    string
	Made      bool // by this call; else it stood there and was checked again
}

// Make writes a year's rows to its file through the dump engine, with a
// manifest, and checks it: every byte by the manifest's hashes, every row read
// back and of that year, and their number against the manifest and the table.
// A file that stands there already is only checked.
func (y *Years) Make(ctx context.Context, p YearPlan, tool string, report func(ops.Progress)) (Archived, error) {
	out := Archived{Path: p.File}
	if !p.Exists {
		if err := os.MkdirAll(filepath.Dir(p.File), 0o700); err != nil {
			return out, cannotWrite(err, p.File)
		}
		_, err := dump.Run(
			ctx,
			y.src.r.opt.Target,
			dump.Options{Databases: []string{y.src.r.opt.Schema}, Tables: []string{y.src.r.opt.Table}, Where: p.Where,
				Refuses: load.NewTrial().Refuses,
				Kind:    "archive", Tool: tool, Compress: "gzip", Report: report, Now: y.src.r.opt.Clock.Now},
			p.File,
		)
		if errors.Is(err, fs.ErrExist) {
			return out, ops.Wrap(err, ops.Failed, lang.M("%s already exists", p.File)).
				WithHint(lang.M("choose another name, or remove it first"))
		}
		if err != nil {
			return out, y.src.lane.explain(err)
		}
		out.Made = true
	}
	return out, y.check(ctx, p, &out, report)
}

// Check tells of the archive that exists what Make would: it is
// proved, and nothing is made.
func (y *Years) Check(ctx context.Context, p YearPlan, report func(ops.Progress)) (Archived, error) {
	out := Archived{Path: p.File}
	err := y.check(ctx, p, &out, report)
	return out, err
}

// checkArchive proves an archive, and that it holds what the table held.
func (y *Years) check(ctx context.Context, p YearPlan, out *Archived, report func(ops.Progress)) error {
	unsound := func(why lang.Msg) error {
		return ops.E(ops.Failed, lang.M("the archive %s has a fault: %s", p.File, why)).
			WithHint(lang.M("nothing was deleted; move the file away and archive again"))
	}
	m, err := backup.ReadManifest(p.File)
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the archive %s has no readable manifest", p.File)).
			WithHint(lang.M("nothing was deleted; move the file away and archive again"))
	}
	check, err := backup.Verify(ctx, p.File, y.src.r.opt.Clock.Now, report)
	if err != nil {
		return err
	}
	if !check.OK() {
		return unsound(lang.M("its content does not match its manifest"))
	}
	a := y.archive(p.File)
	a.Report = report
	since, until := audit.Filter{Since: p.Since, Until: p.Until}.Span(y.src.r.layout)
	var strange int64
	if out.Rows, strange, err = a.census(ctx, since, until); err != nil {
		return err
	}
	var stated int64
	for _, t := range m.Tables {
		stated += t.Rows
	}
	switch {
	case strange > 0:
		return unsound(lang.M("%s rows do not belong to the year %d", human.Count(strange), p.Year))
	case stated != out.Rows:
		return unsound(lang.M("it holds %s rows, its manifest says %s", human.Count(out.Rows), human.Count(stated)))
	case out.Made && out.Rows != p.Rows:
		return unsound(lang.M("it holds %s rows, the table %s", human.Count(out.Rows), human.Count(p.Rows)))
	}
	out.SizeBytes, out.SHA256 = m.SizeBytes, m.SHA256
	return nil
}

func (y *Years) archive(path string) Archive {
	o := y.src.r.opt
	return Archive{
		Path:     path,
		Table:    o.Table,
		Columns:  o.Columns,
		Zone:     y.src.r.layout.Zone,
		StateDir: o.StateDir,
	}
}
