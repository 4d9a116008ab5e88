package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/checksum"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/replay"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// progress is a Loader that tells how far its unfinished loads got.
type progress interface {
	Committed(ctx context.Context, c *sql.Conn, j Job) (load.Left, error)
}

// mostNamed is the number of tables that a question names.
const mostNamed = 8

// SinceLoad reports what others wrote to the live database after the run began to load into
// it. An interrupted load leaves rows of its backup and no others, and before the load began
// there were those of the emergency backup: everything else is someone else's.
func (m *Writes) SinceLoad(
	ctx context.Context, p *restore.Plan, emergency string, report run.Report,
) (run.Writes, error) {
	c, err := m.conn(ctx, "", time.Second)
	if err != nil {
		return run.Writes{}, err
	}
	defer c.Close()
	live := p.Target.Database
	if there, err := exists(ctx, c, live); err != nil || !there {
		return run.Writes{Torn: true}, err
	}
	if p.Source.Replay != nil {
		if begun, err := replay.Begun(ctx, c, live); err != nil || begun {
			return run.Writes{Blind: true, Notes: []restore.Note{restore.N(lang.M(
				"the replay of the binlog had begun; what others wrote to %s meanwhile cannot be distinguished from it",
				live))}}, err
		}
	}
	a := &aftermath{m: m, c: c, live: live, scope: p.Tables, report: report}
	if err := a.look(ctx); err != nil {
		return run.Writes{}, err
	}
	loaded := p.Source
	loaded.Copy = "" // it is fetched by now
	if loaded.Manifest {
		if loaded, err = savedSource(p.Source.Path, p.Source.Database); err != nil {
			return run.Writes{}, err
		}
	}
	job := Job{Path: loaded.Path, From: loaded.Database, Schema: live, Tables: p.Tables, Without: p.Without}
	best, err := a.against(ctx, loaded, job)
	if err != nil || best.clean() {
		return best.writes(live), err
	}
	before, err := savedSource(emergency, p.Target.Live)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return best.writes(live), nil
	case err != nil:
		return run.Writes{}, err
	}
	saved, err := a.against(ctx, before, Job{Path: emergency, From: p.Target.Live, Schema: live, Tables: p.Tables})
	if err != nil || saved.clean() {
		return saved.writes(live), err
	}
	torn := best.torn && (best.begun || saved.torn)
	if saved.rows < best.rows && len(saved.unknown) <= len(best.unknown) {
		best = saved
	}
	best.torn = torn
	return best.writes(live), nil
}

// savedSource describes a backup by its manifest; fs.ErrNotExist where there is none.
func savedSource(path, database string) (restore.Source, error) {
	if path == "" {
		return restore.Source{}, fs.ErrNotExist
	}
	if _, err := os.Stat(path); err != nil {
		return restore.Source{}, err
	}
	m, err := backup.ReadManifest(path)
	if err != nil {
		return restore.Source{}, err
	}
	src := restore.Source{Path: path, Database: database, Manifest: true, Indexed: len(m.Members) > 0}
	for _, t := range m.Tables {
		if t.Database == database {
			src.Tables = append(src.Tables, restore.SourceTable{Name: t.Name, Rows: t.Rows, Checksum: t.Checksum,
				Bytes: t.DataBytes, Engine: t.Engine, Definition: t.DefinitionHash})
		}
	}
	src.Holds = []backup.Object{}
	for _, o := range m.Objects {
		if o.Database == database {
			src.Holds = append(src.Holds, o)
		}
	}
	return src, nil
}

// aftermath is the live database after an interrupted load.
type aftermath struct {
	m      *Writes
	c      *sql.Conn
	live   string
	scope  []string
	report run.Report
	tables []*schema.Table
	names  []string // "table x", "view y" …
}

func (a *aftermath) look(ctx context.Context) error {
	list, err := schema.Tables(ctx, a.c, a.live)
	if err != nil {
		return fmt.Errorf("list the tables of %s: %w", a.live, err)
	}
	list = slices.DeleteFunc(list, func(t *schema.Table) bool {
		return t.Name == load.ProgressTable || t.Name == replay.Table
	})
	a.tables = inScope(list, a.scope)
	if len(a.scope) == 0 {
		a.names, err = schema.Inventory(ctx, a.c, a.live)
	}
	return err
}

// remains is what the live database holds beyond a backup.
type remains struct {
	tables  []restore.LossTable // with rows that are not those of the backup
	unknown []string            // cannot be compared
	objects []string            // the backup does not have them
	rows    int64               // that differ
	begun   bool                // a load of the backup has left its progress
	torn    bool                // tables are not filled yet, as the load left them
}

func (r remains) clean() bool { return len(r.tables)+len(r.unknown)+len(r.objects) == 0 }

// writes are the remains as the restore asks about them.
func (r remains) writes(live string) (w run.Writes) {
	w.Torn = r.torn
	if r.clean() {
		return w
	}
	w.Live = len(r.tables)+len(r.objects) > 0
	w.Untold = !w.Live
	for i, t := range r.tables {
		if i == mostNamed {
			w.Notes = append(w.Notes, restore.N(lang.M("… and %s more tables", human.Count(int64(len(r.tables)-i)))))
			break
		}
		w.Notes = append(w.Notes, restore.N(lang.M("%s: %s rows inserted, %s changed, %s deleted since the load",
			termsafe.Line(t.Table), human.Count(t.Newer), human.Count(t.Changed), human.Count(t.Deleted))))
	}
	if len(r.objects) > 0 {
		w.Notes = append(w.Notes, restore.N(lang.M("created in %s since the load: %s", live,
			termsafe.Line(strings.Join(r.objects, ", ")))))
	}
	if len(r.unknown) > 0 {
		w.Notes = append(w.Notes, restore.N(lang.M("cannot tell whether others wrote to these tables: %s",
			termsafe.Line(strings.Join(r.unknown, ", ")))))
	}
	return w
}

// against compares the live tables with a backup, of which they may hold a part.
func (a *aftermath) against(ctx context.Context, src restore.Source, j Job) (r remains, err error) {
	differ := &differ{link: a.m.link, loader: a.m.loader}
	cmp := differ.comparer(src, a.report)
	if cmp == nil {
		return r, ops.E(ops.Failed, lang.M("the rows of %s cannot be compared with %s", a.live, j.Path))
	}
	cmp.gone = true
	left := load.Left{}
	if l, ok := a.m.loader.(progress); ok && src.Indexed {
		if left, err = l.Committed(ctx, a.c, j); err != nil {
			return r, err
		}
	}
	r.begun = left.Begun
	if !src.Indexed {
		if err := cmp.ahead(ctx, a.tables); err != nil {
			return r, err
		}
	}
	for _, t := range a.tables {
		if err := a.table(ctx, cmp, t, src, left, &r); err != nil {
			return r, err
		}
	}
	for _, s := range src.Tables {
		have := slices.ContainsFunc(a.tables, func(t *schema.Table) bool { return t.Name == s.Name })
		r.torn = r.torn || !have && s.Rows > 0 && (len(a.scope) == 0 || slices.Contains(a.scope, s.Name))
	}
	if src.Manifest {
		r.objects = a.strangers(src)
	}
	return r, nil
}

// table compares one table.
func (a *aftermath) table(
	ctx context.Context, cmp *compare, t *schema.Table, src restore.Source, left load.Left, r *remains,
) error {
	if t.Sequence || elsewhere(t) {
		return nil
	}
	stored, known := src.Table(t.Name)
	missing := int64(0) // rows that the load did not reach
	if left.Begun {
		missing = max(0, stored.Rows-left.Rows[t.Name])
	}
	rows, same, err := a.same(ctx, t, stored)
	switch {
	case err != nil || same:
		return err
	case rows == 0 && (missing == stored.Rows || !known):
		r.torn = r.torn || missing > 0
		return nil
	}
	f, err := cmp.table(ctx, t, nil)
	if errors.Is(err, errIncomparable) {
		if !left.Begun || rows != left.Rows[t.Name] {
			r.unknown = append(r.unknown, t.Name)
		}
		r.torn = r.torn || missing > 0
		return nil
	}
	if err != nil {
		return err
	}
	r.torn = r.torn || missing > 0 && f.gone > missing/2
	gone := max(0, f.gone-missing)
	switch {
	case !src.Indexed: // how far the load of such a dump got is not known by table
		gone = 0
	case f.gone <= missing/2 && t.Transactional(): // others filled it
		gone = f.gone
	}
	if sum := f.newer + f.changed + gone; sum > 0 {
		r.tables = append(r.tables, restore.LossTable{Table: t.Name, Newer: f.newer, Changed: f.changed, Deleted: gone})
		r.rows += sum
	} else if f.partly {
		r.unknown = append(r.unknown, t.Name)
	}
	return nil
}

// same reports whether a table holds exactly the rows of the backup, with or without the
// history of a system-versioned one, and the number of its rows with history.
func (a *aftermath) same(ctx context.Context, t *schema.Table, stored restore.SourceTable) (int64, bool, error) {
	c, err := (&differ{link: a.m.link}).reader(ctx)
	if err != nil {
		return 0, false, err
	}
	defer c.Close()
	rows, sum, err := checksum.Table(ctx, c, t, true, nil)
	if err != nil || stored.Checksum == "" || rows != stored.Rows {
		return rows, false, err
	}
	if sum.String() == stored.Checksum || !t.Versioned {
		return rows, sum.String() == stored.Checksum, nil
	}
	current, sum, err := checksum.Table(ctx, c, t, false, nil)
	return rows, current == rows && sum.String() == stored.Checksum, err
}

// strangers are the tables, views, routines, triggers and events that a backup does not have.
// Of a table with rows, its rows tell.
func (a *aftermath) strangers(src restore.Source) (out []string) {
	if src.Holds == nil {
		return nil
	}
	for _, name := range a.names {
		kind, n, _ := strings.Cut(name, " ")
		same := func(o backup.Object) bool {
			return o.Name == n && (o.Kind == kind || o.Kind == "sequence" && kind == "table")
		}
		_, known := src.Table(n)
		known = known && kind == "table" || schema.Bookkeeping(n) || slices.ContainsFunc(src.Holds, same)
		if !known {
			out = append(out, name)
		}
	}
	return out
}
