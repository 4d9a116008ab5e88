package swap

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/mysql/dump"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// formerPath is the file that records, before a swap, what the live database holds besides
// its rows.
func formerPath(f run.Folder) string { return filepath.Join(f.Path, "former.json") }

// Foresee records what the live database holds besides its rows: a swap moves only its
// tables.
func (s Saver) Foresee(ctx context.Context, p *restore.Plan, skip []string, f run.Folder) error {
	db, err := s.Damage.db(ctx)
	if err != nil {
		return err
	}
	if err := s.harmless(ctx, db, p.Target.Live, skip); err != nil {
		return err
	}
	o, err := optionsOf(ctx, db, p.Target.Live, skip)
	if err != nil {
		return err
	}
	o.LockWait = time.Duration(p.LockWait)
	former, err := dump.Look(ctx, s.Target, o)
	if err != nil {
		return err
	}
	text, err := json.Marshal(former)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(formerPath(f), 0o600, text)
}

// SaveOld writes the emergency backup of the tables that a swap keeps, under the database
// that they came from, or finds that a complete one already exists.
func (s Saver) SaveOld(
	ctx context.Context,
	p *restore.Plan,
	skip []string,
	f run.Folder,
	report run.Report,
) (string, []restore.Note, error) {
	if m, err := backup.ReadManifest(p.Emergency); err == nil && whole(p.Emergency, m) {
		return p.Emergency, []restore.Note{restore.N(lang.M("the emergency backup already exists"))}, nil
	}
	former, err := readJSON[*dump.Former](formerPath(f))
	if err == nil && former == nil {
		err = errors.New("the run's folder does not record the old database's objects")
	}
	if err != nil {
		return "", nil, err
	}
	db, err := s.Damage.db(ctx)
	if err != nil {
		return "", nil, err
	}
	if err := s.allThere(ctx, p); err != nil {
		return "", nil, err
	}
	if err := s.harmless(ctx, db, p.Kept, skip); err != nil {
		return "", nil, err
	}
	if err := os.Remove(p.Emergency); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	o, err := optionsOf(ctx, db, p.Kept, skip)
	if err != nil {
		return "", nil, err
	}
	o.Report, o.Former = report, former
	return s.write(ctx, p, o, p.Kept, skip)
}

// allThere returns an error if an old table is missing from the database that keeps them.
func (s Saver) allThere(ctx context.Context, p *restore.Plan) error {
	db, err := s.Damage.db(ctx)
	if err != nil {
		return err
	}
	kept, err := tables(ctx, db, p.Kept)
	if err != nil {
		return err
	}
	for _, t := range p.Movable(p.Leaving) {
		if !slices.Contains(kept, t) {
			return ops.E(ops.Failed, lang.M("the old table %s is not in %s: somebody removed it", t, p.Kept))
		}
	}
	return nil
}

// Proves reads an emergency backup again and compares it with its manifest.
func (s Saver) Proves(ctx context.Context, path string, report run.Report) error {
	c, err := backup.Verify(ctx, path, time.Now, report)
	if err != nil {
		return err
	}
	if len(c.Problems) > 0 {
		return ops.E(ops.Failed, lang.M("the emergency backup %s is not good: %s", path, c.Problems[0].Text()))
	}
	if _, err := backup.ReadManifest(path); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the emergency backup %s has no manifest", path))
	}
	return nil
}
