package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/diskfull"
	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/ops"
)

// Suffixes of files while they are being removed.
const (
	removing    = ".opsdeck-removing-"
	journalName = ".opsdeck-renames.json"
)

// Execution is what the execution of a plan needs.
type Execution struct {
	Index *Index
	// Verify verifies the plan's guard again before anything is removed.
	Verify func(context.Context, *Set) (Check, error)
	// Tell is called after each step; may be nil.
	Tell func(Step)
	// between is called between any two changes on disk; tests simulate a power failure
	// there.
	between func(at string) error
}

// Outcome is what was done.
type Outcome struct {
	Removed []string
	Renamed []string
	Freed   int64
}

// Execute carries out the plan, once and exactly as it was shown. When a file that it
// would touch, or the good backup that it relies on, has changed since the plan was
// made, it does nothing. A power failure leaves each backup either complete under its
// name or partly removed, for Recover to finish.
func (p *Plan) Execute(ctx context.Context, x Execution) (out Outcome, err error) {
	if p.ran {
		return out, errors.New("this plan was carried out already")
	}
	p.ran = true
	if len(p.Blocked) > 0 {
		return out, ops.E(ops.Failed, lang.M("nothing was removed: %s", p.Blocked[0]))
	}
	if p.Empty() {
		return out, nil
	}
	if err := Recover(p.Dir); err != nil {
		return out, err
	}
	if err := p.unchanged(); err != nil {
		return out, err
	}
	if err := p.guarded(ctx, x); err != nil {
		return out, err
	}
	if x.between == nil {
		x.between = func(string) error { return nil }
	}
	if err := p.rename(ctx, x, &out); err != nil {
		return out, err
	}
	return out, p.remove(ctx, x, &out)
}

// unchanged checks that the files are still those of the plan.
func (p *Plan) unchanged() error {
	var sets []*Set
	if p.Guard != nil {
		sets = append(sets, p.Guard)
	}
	for _, s := range append(p.Removes(), p.Renames()...) {
		sets = append(sets, s.Set)
	}
	for _, s := range sets {
		file, manifest, err := Identify(filepath.Join(p.Dir, s.Name))
		if err != nil || file != s.ID || manifest != s.Manifest {
			return ops.E(ops.Busy, lang.M("%s changed since the plan was made; nothing was done", s.Name)).
				WithHint(lang.M("make the plan again"))
		}
	}
	return nil
}

// guarded verifies the newest good backup again.
func (p *Plan) guarded(ctx context.Context, x Execution) error {
	if p.Guard == nil {
		return nil // an archive or a partial backup that was named for removal guards nothing
	}
	c, err := x.Verify(ctx, p.Guard)
	if err != nil {
		return err
	}
	c.Deep = p.Guard.Deep && c.OK()
	if err := x.Index.Record(p.Guard.ID, p.Guard.Manifest, c); err != nil && !diskfull.Is(err) {
		return fmt.Errorf("record the check of %s: %w", p.Guard.Name, err)
	}
	if c.OK() {
		return nil
	}
	return ops.E(ops.Failed, lang.M("the newest good backup, %s, failed re-verification (%s); nothing was removed",
		p.Guard.Name, c.Problems[0].Text())).
		WithHint(lang.M("make a new backup, then prune"))
}

// intent is one rename in the journal.
type intent struct {
	From string   `json:"from"`
	To   []string `json:"to"`
	ID   FileID   `json:"id"`
}

// rename replaces daily names with weekly and monthly ones. It writes all renames to the
// journal before the first, so that Recover can finish them. On a full disk it postpones
// them: the removals then make room.
func (p *Plan) rename(ctx context.Context, x Execution, out *Outcome) error {
	steps := p.Renames()
	if len(steps) == 0 {
		return nil
	}
	var intents []intent
	for _, s := range steps {
		intents = append(intents, intent{From: s.Set.Name, To: s.To, ID: s.Set.ID})
	}
	text, err := json.Marshal(intents)
	if err != nil {
		return err
	}
	journal := filepath.Join(p.Dir, journalName)
	if err := atomicfile.WriteBytes(journal, 0o600, text); diskfull.Is(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("write the journal of renames: %w", err)
	}
	for _, s := range steps {
		if err := errors.Join(ctx.Err(), x.between("rename "+s.Set.Name)); err != nil {
			return err
		}
		if err := p.renameOne(x, s); err != nil {
			return fmt.Errorf("rename %s: %w", s.Set.Name, err)
		}
		out.Renamed = append(out.Renamed, s.Set.Name)
		tell(x, s)
	}
	if err := os.Remove(journal); err != nil {
		return err
	}
	return atomicfile.SyncDir(p.Dir)
}

func tell(x Execution, s Step) {
	if x.Tell != nil {
		x.Tell(s)
	}
}

func (p *Plan) renameOne(x Execution, s Step) error {
	for _, to := range s.To {
		if err := linkPair(p.Dir, s.Set.Name, to); err != nil {
			return err
		}
		if err := x.between("linked " + to); err != nil {
			return err
		}
	}
	if err := removePair(p.Dir, s.Set.Name, x.between); err != nil {
		return err
	}
	return p.carry(x, s.Set, s.To[0])
}

// carry keeps a verification valid for a file of which only the names changed: that
// changes its ctime and nothing else.
func (p *Plan) carry(x Execution, was *Set, name string) error {
	file, manifest, err := Identify(filepath.Join(p.Dir, name))
	if err != nil {
		return err
	}
	old := key{was.ID, was.Manifest}
	if !onlyCTime(old.File, file) || !onlyCTime(old.Manifest, manifest) {
		return nil
	}
	now := key{file, manifest}
	for _, s := range p.Steps { // the other names of the file
		if s.Set != was && s.Set.ID == old.File {
			s.Set.ID, s.Set.Manifest = file, manifest
		}
	}
	was.ID, was.Manifest = file, manifest
	if err := x.Index.restamp(old, now); !diskfull.Is(err) {
		return err
	}
	return nil // it costs a verification, and what makes room must not stop here
}

func onlyCTime(a, b FileID) bool {
	a.CTime, b.CTime = 0, 0
	return a == b
}

// remove removes the backups, the oldest first.
func (p *Plan) remove(ctx context.Context, x Execution, out *Outcome) error {
	steps := p.Removes()
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		if err := errors.Join(ctx.Err(), x.between("remove "+s.Set.Name)); err != nil {
			return err
		}
		if err := removePair(p.Dir, s.Set.Name, x.between); err != nil {
			return fmt.Errorf("remove %s: %w", s.Set.Name, err)
		}
		out.Removed = append(out.Removed, s.Set.Name)
		out.Freed += s.Frees
		if other := p.survivor(s.Set); other != "" {
			if err := p.carry(x, s.Set, other); err != nil {
				return err
			}
		}
		tell(x, s)
	}
	return atomicfile.SyncDir(p.Dir)
}

// survivor is another name of the same contents that still exists.
func (p *Plan) survivor(was *Set) string {
	for _, s := range p.Steps {
		for _, name := range append([]string{s.Set.Name}, s.To...) {
			if s.Set != was && s.Set.ID == was.ID && taken(filepath.Join(p.Dir, name)) {
				return name
			}
		}
	}
	return ""
}

// removePair removes the names of a backup: first the file's, so that an interruption
// leaves no file without its manifest, then the manifest's, then the bytes.
func removePair(dir, name string, between func(string) error) error {
	path := filepath.Join(dir, name)
	gone := filepath.Join(dir, removing+name)
	if err := os.Rename(path, gone); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(dir); err != nil {
		return err
	}
	if err := between("moved " + name); err != nil {
		return err
	}
	if err := os.Remove(path + ManifestSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := between("manifest of " + name); err != nil {
		return err
	}
	return os.Remove(gone)
}

// Recover finishes what a power failure or a kill left half done in a folder: started
// removals, and renames in the journal. It may be called at any time while the backup
// lock is held.
func Recover(dir string) error {
	names, err := folder(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if !strings.HasPrefix(n, removing) {
			continue
		}
		path := filepath.Join(dir, strings.TrimPrefix(n, removing))
		if !taken(path) {
			if err := os.Remove(path + ManifestSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("finish a removal: %w", err)
			}
		}
		if err := os.Remove(filepath.Join(dir, n)); err != nil {
			return fmt.Errorf("finish a removal: %w", err)
		}
	}
	return replay(dir)
}

// replay finishes the renames of the journal.
func replay(dir string) error {
	path := filepath.Join(dir, journalName)
	text, err := regular.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the journal of renames: %w", err)
	}
	var intents []intent
	if err := json.Unmarshal(text, &intents); err != nil {
		return fmt.Errorf("read the journal of renames: %w", err)
	}
	for _, in := range intents {
		if err := in.finish(dir); err != nil {
			return fmt.Errorf("finish the rename of %s: %w", in.From, err)
		}
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return atomicfile.SyncDir(dir)
}

// finish creates the new names, if the file is still the same one.
func (in intent) finish(dir string) error {
	if !baseName(in.From) {
		return fmt.Errorf("%q is not a plain name", in.From)
	}
	file, _, err := Identify(filepath.Join(dir, in.From))
	if err != nil || file.Inode != in.ID.Inode || file.Size != in.ID.Size || file.MTime != in.ID.MTime {
		return nil // it no longer exists: the rename is done
	}
	for _, to := range in.To {
		if !baseName(to) {
			return fmt.Errorf("%q is not a plain name", to)
		}
		if err := linkPair(dir, in.From, to); err != nil {
			return err
		}
	}
	return removePair(dir, in.From, func(string) error { return nil })
}
