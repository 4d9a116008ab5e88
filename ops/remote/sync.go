package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Copier brings one copy up to date and lets go there what its own retention
// does not keep: two steps that never mix.
type Copier struct {
	Name   string
	Target string // tells the place from others of that name
	Store  Store
	State  string // folder of what is remembered
	Copies backup.Copies
	Now    func() time.Time
	Report func(ops.Progress) // may be nil
	DryRun bool
	ByHand bool                 // a person sees what this does
	Warn   func(backup.Emptied) // before a Send to a copy that was emptied; may be nil

	// Choose divides the backups here into those that a Send brings to a copy with this
	// content, and those that the copy's retention would remove there; nil sends all.
	Choose func(backup.Listing) (send []*backup.Set, left []backup.Step)

	// Here is the hash of each backup of this machine, by name, as its manifest says.
	Here map[string]string

	Gone *backup.Emptied // what the last Look found; nil: nobody emptied the copy

	started time.Time
	seen    map[string]backup.FileAtCopy // read during this Send
}

// Result is what a Send did. Bytes are of the files sent.
type Result struct {
	Sent    []string
	Proved  []string // were there already and were read back now
	Present int      // were there, read back before
	Failed  []Failure
	Left    []backup.Step // not sent: the copy's retention would remove them
	Bytes   int64

	Unproved []*backup.Set // not sent: they were not verified here

	Emptied *backup.Emptied // what was found before anything was sent; nil: all as it was, or known already
	Logs    *LogsSent       // of the binary log; nil: none is archived here
}

// Failure is a backup that could not be brought to the copy.
type Failure struct {
	Name string
	Err  error
}

// Send brings what the copy lacks. One backup that fails does not keep the
// others from being sent, but a copy that cannot be reached ends it.
func (c *Copier) Send(ctx context.Context, inv *backup.Inventory) (Result, error) {
	var out Result
	there, err := c.listing(ctx)
	if err != nil {
		return out, err
	}
	lost, err := c.watchful(there)
	if err != nil {
		return out, err
	}
	if lost != nil && !lost.Sent {
		out.Emptied = lost
	}
	c.started = time.Now()
	sets := inv.ToSend()
	out.Unproved = inv.Unproved()
	if c.Choose != nil {
		now, err := c.Look(ctx)
		if err != nil {
			return out, err
		}
		sets, out.Left = c.Choose(now)
	}
	for i, s := range sets {
		err := c.one(ctx, s, there, &out, fmt.Sprintf("%d/%d %s", i+1, len(sets), s.Name))
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if err == nil {
			continue
		}
		out.Failed = append(out.Failed, Failure{s.Name, err})
		if code := ops.CodeOf(err); code == ops.Busy || code == ops.Config {
			return out, err
		}
	}
	if len(out.Failed) > 0 {
		return out, nil
	}
	return out, c.mended(lost)
}

func (c *Copier) listing(ctx context.Context) (map[string]int64, error) {
	list, err := c.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	there := make(map[string]int64, len(list))
	for _, o := range list {
		there[o.Name] = o.Size
	}
	return there, nil
}

// one makes sure that a backup is at the copy, whole and read back.
func (c *Copier) one(ctx context.Context, s *backup.Set, there map[string]int64, out *Result, label string) error {
	size, present := there[s.Name]
	bytes, manifest := there[s.Name+backup.ManifestSuffix]
	if present {
		if err := c.ours(ctx, s, size, bytes); err != nil {
			return err
		}
	}
	whole := present && size == s.Size && (manifest || s.Foreign)
	switch {
	case whole && c.Copies.Of(c.Name, s.Name, s.SHA256, s.Size), !present && c.elsewhere(s, there):
		out.Present++
		return nil
	case c.DryRun:
		out.Sent = append(out.Sent, s.Name)
		out.Bytes += s.Size
		return nil
	case whole:
		if hash, err := c.Store.Hash(ctx, s.Name); err != nil {
			return err
		} else if hash == s.SHA256 {
			out.Proved = append(out.Proved, s.Name)
			return c.remember(s, hash, s.SHA256, true)
		}
	}
	if err := c.send(ctx, s, !present, label); err != nil {
		return err
	}
	out.Sent = append(out.Sent, s.Name)
	out.Bytes += s.Size
	return nil
}

// elsewhere tells whether the contents are at the copy under another name.
func (c *Copier) elsewhere(s *backup.Set, there map[string]int64) bool {
	for name, r := range c.Copies[c.Name] {
		if size, ok := there[name]; ok && r.Good && r.SHA256 == s.SHA256 && size == s.Size && r.Size == s.Size {
			return true
		}
	}
	return false
}

// send sends the file, reads it back, and only then sends its manifest. A new one does not
// replace what another machine sent in the meantime.
func (c *Copier) send(ctx context.Context, s *backup.Set, isNew bool, label string) error {
	file, manifest, err := backup.Identify(s.Path)
	if err != nil || file != s.ID || manifest != s.Manifest {
		return ops.E(ops.Failed, lang.M("%s changed while it was being copied", s.Name))
	}
	put := c.Store.Put
	if isNew {
		put = c.Store.PutNew
	}
	var taken *takenError
	err = put(ctx, s.Name, s.Path, func(done int64) { c.tell(label, done, s.Size) })
	if err != nil && !errors.As(err, &taken) {
		return err
	}
	hash, err := c.Store.Hash(ctx, s.Name)
	if err != nil {
		return err
	}
	if taken != nil && hash != s.SHA256 {
		return c.refuse(s, hash)
	}
	if err := c.remember(s, hash, s.SHA256, hash == s.SHA256); err != nil {
		return err
	}
	if hash != s.SHA256 {
		return differs(s.Name, c.Name)
	}
	if s.Foreign {
		return nil
	}
	return c.Store.Put(ctx, s.Name+backup.ManifestSuffix, s.Path+backup.ManifestSuffix, nil)
}

func (c *Copier) tell(label string, done, size int64) {
	if c.Report != nil {
		c.Report(
			ops.Progress{
				Phase:   "copy",
				Object:  label,
				Done:    done,
				Total:   size,
				Unit:    "bytes",
				Elapsed: time.Since(c.started),
			},
		)
	}
}

// remember records what was read back there: its hash, and the hash that it must have.
func (c *Copier) remember(s *backup.Set, hash, want string, good bool) error {
	r := backup.CopyRecord{
		At:     c.Now(),
		Copy:   c.Name,
		Target: c.Target,
		Name:   s.Name,
		Size:   s.Size,
		SHA256: hash,
		Good:   good,
		Want:   want,
	}
	if c.Copies[c.Name] == nil {
		c.Copies[c.Name] = map[string]backup.CopyRecord{}
	}
	c.Copies[c.Name][s.Name] = r
	return backup.AppendCopy(c.State, r)
}

// Inventory is what the copy holds, as its listing and its manifests tell. Only
// what was read back counts as good.
func (c *Copier) Inventory(ctx context.Context, sc backup.Scan) (*backup.Inventory, error) {
	now, err := c.Look(ctx)
	if err != nil {
		return nil, err
	}
	return sc.NewInventory(sc.SetsAtCopy(now, c.Copies)), nil
}

// Look lists the copy and remembers what it holds. Manifests that were seen
// before are not read again.
func (c *Copier) Look(ctx context.Context) (backup.Listing, error) {
	now := backup.Listing{Copy: c.Name, At: c.Now(), Target: c.Target}
	there, err := c.listing(ctx)
	if err != nil {
		return now, err
	}
	before, err := backup.ReadListing(c.State, c.Name, c.Target)
	if err != nil {
		return now, err
	}
	now.Emptied = c.emptied(before, there)
	c.Gone = now.Emptied
	known := make(map[string]backup.FileAtCopy, len(before.Files))
	for _, f := range before.Files {
		known[f.Name] = f
	}
	maps.Copy(known, c.seen)
	for name, size := range there {
		if isManifest(name) {
			continue
		}
		manifest := there[name+backup.ManifestSuffix]
		f, seen := known[name]
		if !seen || f.Size != size || f.ManifestSize != manifest {
			if f, err = c.look(ctx, name, size, manifest); err != nil {
				return now, err
			}
		}
		now.Files = append(now.Files, f)
	}
	if c.DryRun {
		return now, nil
	}
	return now, backup.WriteListing(c.State, now)
}

// look reads the manifest of a file there.
func (c *Copier) look(ctx context.Context, name string, size, manifest int64) (backup.FileAtCopy, error) {
	f := backup.FileAtCopy{Name: name, Size: size, ManifestSize: manifest}
	if manifest == 0 {
		return f, nil
	}
	var text bytes.Buffer
	if err := c.Store.Get(ctx, name+backup.ManifestSuffix, &text); err != nil {
		return f, err
	}
	if m, err := backup.DecodeManifest(text.Bytes()); err == nil { // a bad one: a file without
		sum := backup.Summarise(m)
		f.Summary = &sum
	}
	return f, nil
}

// Pruned is what a Prune did.
type Pruned struct {
	Removed []string
	Locked  []string // may not go yet
	Freed   int64
}

// Prune carries a plan out at the copy: removals only, after the newest good
// backup there was read back once more. What object lock protects stays.
func (c *Copier) Prune(ctx context.Context, plan *backup.Plan) (Pruned, error) {
	var out Pruned
	if len(plan.Blocked) > 0 {
		return out, ops.E(ops.Failed, lang.M("nothing was removed: %s", plan.Blocked[0]))
	}
	steps := plan.Removes()
	if len(steps) == 0 {
		return out, nil
	}
	if err := c.guarded(ctx, plan.Guard); err != nil {
		return out, err
	}
	var names []string
	for _, s := range steps {
		names = append(names, s.Set.Name)
	}
	if err := c.forget(names); err != nil {
		return out, err
	}
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i].Set
		err := c.Store.Remove(ctx, s.Name)
		var locked *lockedError
		if errors.As(err, &locked) {
			out.Locked = append(out.Locked, s.Name)
			continue
		}
		if err == nil && !s.Foreign {
			err = c.Store.Remove(ctx, s.Name+backup.ManifestSuffix)
			if errors.As(err, &locked) {
				err = nil // a manifest alone is no backup
			}
		}
		if err != nil {
			return out, err
		}
		out.Removed = append(out.Removed, s.Name)
		out.Freed += s.Size
	}
	return out, nil
}

// guarded reads the newest good backup back once more; nil guards nothing.
func (c *Copier) guarded(ctx context.Context, guard *backup.Set) error {
	if guard == nil {
		return nil
	}
	hash, err := c.Store.Hash(ctx, guard.Name)
	if err != nil || hash == guard.Summary.SHA256 {
		return err
	}
	return errors.Join(c.remember(guard, hash, guard.Summary.SHA256, false), ops.E(ops.Failed,
		lang.M("the newest good backup at the copy %s, %s, failed re-verification; nothing was removed", c.Name,
			guard.Name)))
}
