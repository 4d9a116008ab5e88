package auditlog

import (
	"context"
	"database/sql"
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
	"opsdeck/ops/mysql"
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
	p := YearPlan{Year: year, Since: time.Date(year, 1, 1, 0, 0, 0, 0, zone), Until: time.Date(year+1, 1, 1, 0, 0, 0, 0, zone),
		File: filepath.Join(dir, fmt.Sprintf("%s_%d.sql.gz", s.o.Table, year))}
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
func (s *Source) ArchiveYear(ctx context.Context, p YearPlan, tool string, report func(ops.Progress)) (Archived, error) {
	out := Archived{Path: p.File}
	if !p.Exists {
		if err := os.MkdirAll(filepath.Dir(p.File), 0o700); err != nil {
			return out, cannotWrite(err, p.File)
		}
		_, err := dump.Run(ctx, s.o.Target, dump.Options{Databases: []string{s.o.Schema}, Tables: []string{s.o.Table}, Where: p.Where,
			Kind: "archive", Tool: tool, Compress: "gzip", Report: report, Now: s.o.Clock.Now}, p.File)
		if errors.Is(err, fs.ErrExist) {
			return out, ops.Wrap(err, ops.Failed, lang.M("%s exists already", p.File)).WithHint(lang.M("choose another name, or remove it first"))
		}
		if err != nil {
			return out, s.explain(err)
		}
		out.Made = true
	}
	return out, s.checkArchive(ctx, p, &out, report)
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
		return unsound(lang.M("%s rows are not of the year %d", human.Count(strange), p.Year))
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

// Deleted is what a deletion did.
type Deleted struct {
	Rows    int64 // deleted now
	Gone    int64 // of the archive, that were not in the table any more
	Differs int64 // left, for they are not as they were archived
}

// deleteBatch is how many rows one DELETE takes.
const deleteBatch = 500

// deleteTries is how often a batch is tried when the connection breaks.
const deleteTries = 3

// DeleteArchived deletes the rows that are in an archive from the table: by
// key, in small batches with a pause after each, and only rows that are still
// exactly as they were archived. It can be broken off and run again: what is
// gone is passed over.
func (s *Source) DeleteArchived(ctx context.Context, path string, pauseAfter time.Duration, report func(ops.Progress)) (Deleted, error) {
	d := &deletion{s: s, pause: pauseAfter, report: report, begun: time.Now()}
	if m, err := backup.ReadManifest(path); err == nil {
		for _, t := range m.Tables {
			d.total += t.Rows
		}
	}
	db, err := mysql.Open(ctx, s.o.Target, s.o.Schema)
	if err != nil {
		return d.done, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	d.db = db
	err = s.archive(path).Scan(ctx, func(l *audit.Layout) error { d.layout = l; return nil }, func(r *audit.Row) error {
		if d.batch = append(d.batch, *r); len(d.batch) < deleteBatch {
			return nil
		}
		return d.flush(ctx)
	})
	if err == nil {
		err = d.flush(ctx)
	}
	var known *ops.Error
	if err != nil && !errors.As(err, &known) {
		err = s.explain(err)
	}
	return d.done, err
}

type deletion struct {
	s      *Source
	db     *sql.DB
	layout *audit.Layout
	batch  []audit.Row
	done   Deleted
	total  int64
	pause  time.Duration
	report func(ops.Progress)
	begun  time.Time
}

func (d *deletion) flush(ctx context.Context) error {
	if len(d.batch) == 0 {
		return nil
	}
	for try := 1; ; try++ {
		n, err := d.attempt(ctx)
		if err == nil {
			d.done.Rows += n
			break
		}
		if !mysql.Lost(err) || try == deleteTries || ctx.Err() != nil {
			return err
		}
		if err := pause(ctx, time.Duration(try)*200*time.Millisecond); err != nil {
			return err
		}
	}
	d.batch = d.batch[:0]
	if d.report != nil {
		seen := d.done.Rows + d.done.Gone + d.done.Differs
		d.report(ops.Progress{Phase: "delete", Object: d.s.o.Table, Done: seen, Total: d.total, Unit: "rows", Rows: d.done.Rows, Elapsed: time.Since(d.begun)})
	}
	return pause(ctx, d.pause)
}

// attempt deletes the batch's rows that are as they were archived.
func (d *deletion) attempt(ctx context.Context) (int64, error) {
	live, err := d.live(ctx)
	if err != nil {
		return 0, err
	}
	var same []audit.Row
	var gone, differs int64
	for i := range d.batch {
		switch r := live[d.ref(&d.batch[i])]; {
		case r == nil:
			gone++
		case !d.same(r, &d.batch[i]):
			differs++
		default:
			same = append(same, *r)
		}
	}
	var n int64
	if len(same) > 0 {
		w := d.these(same)
		res, err := d.db.ExecContext(ctx, "DELETE FROM "+d.s.name()+w.String(), w.args...)
		if err != nil {
			return 0, err
		}
		if n, err = res.RowsAffected(); err != nil {
			return 0, err
		}
	}
	d.done.Gone, d.done.Differs = d.done.Gone+gone, d.done.Differs+differs
	return n, nil
}

// live are the batch's rows as they stand in the table.
func (d *deletion) live(ctx context.Context) (map[audit.Pos]*audit.Row, error) {
	out := map[audit.Pos]*audit.Row{}
	err := d.s.with(ctx, func(ctx context.Context, q *session) error {
		w := d.these(d.batch)
		rows, err := d.s.fetch(ctx, q, d.s.selectRows(d.s.byKey(), w, d.s.keyOrder(""), len(d.batch)), w.args)
		for i := range rows {
			out[d.ref(&rows[i])] = &rows[i]
		}
		return err
	})
	return out, err
}

// ref is what makes a row one: its key, and its time where the key alone does not.
func (d *deletion) ref(r *audit.Row) audit.Pos {
	p := r.Pos()
	if d.s.layout.Unique {
		p.At = 0
	}
	return p
}

// these is the condition for rows by their keys.
func (d *deletion) these(rows []audit.Row) *where {
	w := &where{}
	if l := d.s.layout; l.Unique && len(l.Keys) == 1 {
		var args []any
		for i := range rows {
			args = append(args, d.key(&rows[i])...)
		}
		w.add(audit.Ident(l.Keys[0].Name)+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
		return w
	}
	var either []string
	var args []any
	for i := range rows {
		one := &where{}
		for k, v := range d.key(&rows[i]) {
			one.add(audit.Ident(d.s.layout.Keys[k].Name)+" = ?", v)
		}
		if !d.s.layout.Unique {
			one.add(d.s.col(audit.CreatedAt)+" = ?", rows[i].At.String())
		}
		either, args = append(either, strings.Join(one.parts, " AND ")), append(args, one.args...)
	}
	w.add("("+strings.Join(either, " OR ")+")", args...)
	return w
}

func (d *deletion) key(r *audit.Row) []any {
	if d.s.layout.Numbered() {
		return []any{r.ID}
	}
	return d.s.keyArgs(r.Key)
}

// same tells whether a row in the table says what the archived one says.
func (d *deletion) same(a, b *audit.Row) bool {
	for f := range a.Values {
		if f != int(audit.CreatedAt) && d.layout.Has(audit.Field(f)) && a.Values[f] != b.Values[f] {
			return false
		}
	}
	return a.At == b.At
}
