package swap

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/mysql/load"
	"opsdeck/ops/mysql/schema"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Engine is opsdeck's own Loader: ops/mysql/load.
type Engine struct {
	Target     mysql.Target
	Jobs       int
	Identities func() ([]age.Identity, error) // called for an encrypted backup; may be nil
}

// loadNotes is the maximum number of a load's remarks that are shown.
const loadNotes = 12

// Load loads a backup file, or resumes an interrupted load.
func (e Engine) Load(ctx context.Context, j Job, report run.Report) (run.Loaded, []string, error) {
	src, err := e.open(j.Path)
	if err != nil {
		return run.Loaded{}, nil, err
	}
	defer src.Close()
	o := e.options(j)
	o.Report = report
	r, err := load.Run(ctx, e.Target, src, o)
	if err != nil {
		return run.Loaded{}, nil, err
	}
	out := run.Loaded{Tables: len(r.Tables), Rows: r.Rows, Bytes: r.RawBytes}
	out.Notes = append(
		out.Notes,
		restore.N(
			lang.M(
				"%s rows of %s tables loaded in %s",
				human.Count(r.Rows),
				fmt.Sprint(len(r.Tables)),
				human.Duration(r.Duration),
			),
		),
	)
	var enabled []string
	for _, n := range r.Notes {
		if n.Kind == backup.NoteEvent {
			enabled = append(enabled, n.Object)
			continue
		}
		if n.Kind != backup.NoteSkipped && len(out.Notes) < loadNotes {
			out.Notes = append(out.Notes, restore.RawNote(strings.TrimSpace(n.Kind+" "+n.Object+": "+n.Detail)))
		}
	}
	return out, enabled, nil
}

// options are those of a load.
func (e Engine) options(j Job) load.Options {
	return load.Options{Schema: j.Schema, From: j.From, Tables: j.Tables, Jobs: e.Jobs, Definer: load.DefinerKeep,
		Events: j.Live, EventsOff: j.Off, Replace: j.Fresh, SkipOthers: true, Whole: j.Whole, Without: j.Without,
		Apart: j.Apart}
}

// Committed reads how far an unfinished load got.
func (e Engine) Committed(ctx context.Context, c *sql.Conn, j Job) (load.Left, error) {
	m, err := backup.ReadManifest(j.Path)
	if err != nil {
		return load.Left{}, err
	}
	return load.Committed(ctx, c, m, e.options(j))
}

// Records reads the rows of a backup file.
func (e Engine) Records(ctx context.Context, j Job, w load.Wanted, each func(*load.Record) error) error {
	src, err := e.open(j.Path)
	if err != nil {
		return err
	}
	defer src.Close()
	return load.Records(ctx, src, w, each)
}

// Inspect finds out the contents of a dump without a manifest.
func (e Engine) Inspect(ctx context.Context, path string) (*backup.DumpContents, error) {
	src, err := e.open(path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return load.Inspect(ctx, src)
}

// Rehearse creates what a backup defines, without rows, in the schema of the job.
func (e Engine) Rehearse(
	ctx context.Context,
	j Job,
	definitions []backup.DumpStatement,
	unlogged bool,
) (*load.Rehearsal, error) {
	src, err := e.open(j.Path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return load.Rehearse(
		ctx,
		e.Target,
		src,
		definitions,
		load.Options{Schema: j.Schema, From: j.From, Tables: j.Tables, Definer: load.DefinerKeep, SkipOthers: true,
			NoBinlog: unlogged},
	)
}

// Ready opens the backup and closes it again.
func (e Engine) Ready(j Job) error {
	src, err := e.open(j.Path)
	if err != nil {
		return err
	}
	return src.Close()
}

func (e Engine) open(path string) (*load.Source, error) {
	src, err := load.Open(path)
	if ops.CodeOf(err) != ops.Config || e.Identities == nil {
		return src, err
	}
	ids, idErr := e.Identities()
	if idErr != nil {
		return nil, idErr
	}
	return load.Open(path, ids...)
}

// Saver makes the emergency backup.
type Saver struct {
	Target mysql.Target
	Dump   func(ctx context.Context, o dump.Options, path string) (*backup.Manifest, error)
	Damage *Damage
}

// Accepts refuses a folder in which other users can create or replace files.
func (s Saver) Accepts(p *restore.Plan) error {
	if p.Emergency == "" {
		return nil
	}
	return trust.Path(filepath.Dir(p.Emergency))
}

// Save backs up the current state, or finds that a complete backup already exists.
func (s Saver) Save(
	ctx context.Context,
	p *restore.Plan,
	skip []string,
	report run.Report,
) (string, []restore.Note, error) {
	live := p.Target.Live
	db, err := s.Damage.db(ctx)
	if err != nil {
		return "", nil, err
	}
	there, err := exists(ctx, db, live)
	if err != nil {
		return "", nil, err
	}
	if !there {
		return "", []restore.Note{restore.N(lang.M("%s does not exist: there is nothing to back up", live))}, nil
	}
	if m, err := backup.ReadManifest(p.Emergency); err == nil && whole(p.Emergency, m) {
		return p.Emergency, []restore.Note{restore.N(lang.M("the emergency backup already exists"))}, nil
	}
	if err := s.harmless(ctx, db, live, skip); err != nil {
		return "", nil, err
	}
	if err := os.Remove(p.Emergency); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	o, err := optionsOf(ctx, db, live, skip)
	if err != nil {
		return "", nil, err
	}
	o.Report = report
	return s.write(ctx, p, o, live, skip)
}

// write makes the emergency backup of the database in.
func (s Saver) write(
	ctx context.Context,
	p *restore.Plan,
	o dump.Options,
	in string,
	skip []string,
) (string, []restore.Note, error) {
	m, err := s.Dump(ctx, o, p.Emergency)
	if err != nil {
		if bad := s.unreadable(ctx, in, skip); len(bad) > 0 {
			return "", nil, &run.UnreadableError{Tables: bad, Err: err}
		}
		return "", nil, err
	}
	notes := []restore.Note{
		restore.N(lang.M("%s, %s, %s rows", p.Emergency, human.Bytes(m.SizeBytes), human.Count(m.Rows()))),
	}
	if w := m.DefinitionsOnly(); !w.Empty() {
		notes = append(notes, restore.N(w))
	}
	for _, w := range m.NotLoadable() {
		notes = append(notes, restore.N(w))
	}
	for _, w := range m.Warnings {
		notes = append(notes, restore.RawNote(w))
	}
	return p.Emergency, notes, nil
}

// Discard removes the emergency backup.
func (s Saver) Discard(p *restore.Plan) error {
	for _, path := range []string{p.Emergency + backup.ManifestSuffix, p.Emergency} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func whole(path string, m *backup.Manifest) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == m.SizeBytes
}

// harmless returns a *run.UnreadableError if there are tables that end the server when
// read.
func (s Saver) harmless(ctx context.Context, db *sql.DB, in string, skip []string) error {
	deadly, err := s.deadly(ctx, db, in, skip)
	if err == nil && len(deadly) > 0 {
		err = &run.UnreadableError{Tables: deadly, Err: errors.New("the server ended when they were read")}
	}
	return err
}

// optionsOf are the options for an emergency backup of a database, without some tables.
func optionsOf(ctx context.Context, db *sql.DB, in string, skip []string) (dump.Options, error) {
	o := dump.Options{Databases: []string{in}, Broken: true, Kind: backup.KindEmergency}
	if len(skip) == 0 {
		return o, nil
	}
	names, err := tables(ctx, db, in)
	o.Tables = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(skip, n) })
	return o, err
}

// unreadable finds the tables that cannot be read completely.
func (s Saver) unreadable(ctx context.Context, in string, skip []string) []string {
	db, err := s.Damage.db(ctx)
	if err != nil {
		return nil
	}
	names, err := tables(ctx, db, in)
	if err != nil {
		return nil
	}
	var bad []string
	for _, t := range names {
		if slices.Contains(skip, t) {
			continue
		}
		late := false
		err := s.Damage.risk(ctx, db, in, t, func() error {
			bounded, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			_, err := schema.All(bounded, db, "SELECT COUNT(*) FROM "+restore.Name(in, t))
			late = bounded.Err() != nil
			return err
		})
		if err != nil && !late && !mysql.Lost(err) {
			bad = append(bad, t)
		}
	}
	return bad
}

// deadly are the tables that end the server when read, and are not excluded.
func (s Saver) deadly(ctx context.Context, db *sql.DB, in string, skip []string) ([]string, error) {
	names, err := tables(ctx, db, in)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(skip, n) })
	return s.Damage.deadlyTables(ctx, in, names)
}
