package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/audit"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/dump"
)

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

// PlanYear finds the rows of a year and the file they go to. A year begins and
// ends by the clocks of zone. The condition is a range of time and, where the
// table's order is proved, of ids, so that it reads little more than the year.
func (s *Source) PlanYear(ctx context.Context, year int, zone *time.Location, dir string) (YearPlan, error) {
	p := YearPlan{
		Year:  year,
		Since: time.Date(year, 1, 1, 0, 0, 0, 0, zone),
		Until: time.Date(year+1, 1, 1, 0, 0, 0, 0, zone),
		File:  filepath.Join(dir, fmt.Sprintf("%s_%d.sql.gz", s.o.Table, year)),
	}
	if _, err := os.Lstat(p.File); err == nil {
		p.Exists = true
	}
	f := audit.Filter{Since: p.Since, Until: p.Until}
	since, until := f.Span(s.layout)
	at := s.col(audit.CreatedAt)
	p.Where = fmt.Sprintf("%s >= '%s' AND %s < '%s'", at, since, at, until)
	var way route
	err := s.with(ctx, func(ctx context.Context, q *session) (err error) {
		way, err = s.route(ctx, q, f)
		return err
	})
	if err != nil {
		return p, s.asked(err)
	}
	if keys := s.keyRanges(way.ranges); keys != "" {
		p.Where += " AND " + keys
	}
	p.Rows, err = way.count(ctx, nil)
	return p, s.asked(err)
}

// keyRanges is the condition that ids lie in the ranges, or around all of them
// when they are many; "" for no bound.
func (s *Source) keyRanges(ranges []audit.Range) string {
	if len(ranges) > maxWhereRanges {
		all := ranges[0]
		for _, r := range ranges {
			all.First, all.Last = min(all.First, r.First), max(all.Last, r.Last)
		}
		ranges = []audit.Range{all}
	}
	var parts []string
	for _, r := range ranges {
		if r.First == math.MinInt64 && r.Last == math.MaxInt64 {
			return ""
		}
		if r.First == math.MinInt64 {
			parts = append(parts, fmt.Sprintf("%s <= %d", s.col(audit.ID), r.Last))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s BETWEEN %d AND %d", s.col(audit.ID), r.First, r.Last))
	}
	if len(parts) == 0 {
		return "FALSE"
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// Archived is an archive that was checked.
type Archived struct {
	Path      string
	Rows      int64
	SizeBytes int64
	SHA256    string
	Made      bool // by this call; else it stood there and was checked again
}

// ArchiveYear writes a year's rows to its file through the dump engine, with a
// manifest, and checks it: every byte by the manifest's hashes, every row read
// back and of that year, and their number against the manifest and the table.
// A file that stands there already is only checked.
func (s *Source) ArchiveYear(
	ctx context.Context,
	p YearPlan,
	tool string,
	report func(ops.Progress),
) (Archived, error) {
	out := Archived{Path: p.File}
	if !p.Exists {
		if err := os.MkdirAll(filepath.Dir(p.File), 0o700); err != nil {
			return out, cannotWrite(err, p.File)
		}
		_, err := dump.Run(
			ctx,
			s.o.Target,
			dump.Options{Databases: []string{s.o.Schema}, Tables: []string{s.o.Table}, Where: p.Where,
				Kind: "archive", Tool: tool, Compress: "gzip", Report: report, Now: s.o.Clock.Now},
			p.File,
		)
		if errors.Is(err, fs.ErrExist) {
			return out, ops.Wrap(err, ops.Failed, lang.M("%s exists already", p.File)).
				WithHint(lang.M("choose another name, or remove it first"))
		}
		if err != nil {
			return out, s.explain(err)
		}
		out.Made = true
	}
	return out, s.checkArchive(ctx, p, &out, report)
}

// CheckArchive tells of the archive that exists what ArchiveYear would: it is
// proved, and nothing is made.
func (s *Source) CheckArchive(ctx context.Context, p YearPlan, report func(ops.Progress)) (Archived, error) {
	out := Archived{Path: p.File}
	err := s.checkArchive(ctx, p, &out, report)
	return out, err
}

// checkArchive proves an archive, and that it holds what the table held.
func (s *Source) checkArchive(ctx context.Context, p YearPlan, out *Archived, report func(ops.Progress)) error {
	unsound := func(why lang.Msg) error {
		return ops.E(ops.Failed, lang.M("the archive %s is not sound: %s", p.File, why)).
			WithHint(lang.M("nothing was deleted; move the file away and archive again"))
	}
	m, err := backup.ReadManifest(p.File)
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the archive %s has no manifest that can be read", p.File)).
			WithHint(lang.M("nothing was deleted; move the file away and archive again"))
	}
	check, err := backup.Verify(ctx, p.File, s.o.Clock.Now, report)
	if err != nil {
		return err
	}
	if !check.OK() {
		return unsound(lang.M("its bytes are not those of its manifest"))
	}
	a := s.archive(p.File)
	a.Report = report
	since, until := audit.Filter{Since: p.Since, Until: p.Until}.Span(s.layout)
	var strange int64
	if out.Rows, strange, err = a.census(ctx, since, until); err != nil {
		return err
	}
	var told int64
	for _, t := range m.Tables {
		told += t.Rows
	}
	switch {
	case strange > 0:
		return unsound(lang.M("%s rows do not belong to the year %d", human.Count(strange), p.Year))
	case told != out.Rows:
		return unsound(lang.M("it holds %s rows, its manifest says %s", human.Count(out.Rows), human.Count(told)))
	case out.Made && out.Rows != p.Rows:
		return unsound(lang.M("it holds %s rows, the table %s", human.Count(out.Rows), human.Count(p.Rows)))
	}
	out.SizeBytes, out.SHA256 = m.SizeBytes, m.SHA256
	return nil
}

func (s *Source) archive(path string) Archive {
	return Archive{Path: path, Table: s.o.Table, Columns: s.o.Columns, Zone: s.layout.Zone, StateDir: s.o.StateDir}
}
