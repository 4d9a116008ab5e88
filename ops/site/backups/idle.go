package backups

import (
	"context"
	"slices"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/ops/site"
)

// Idle refuses while a restore of this database is running, whichever service it belongs
// to: services can share a database and a folder.
func (sh Nights) Idle(ctx context.Context) error {
	open, err := sh.OpenRuns()
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.Run == nil || !o.Run.Alive {
			continue // retention keeps what it may need
		}
		if t := o.Run.Plan.Target; site.SameDatabase(ctx, sh.Service.Database, t) {
			return ops.E(ops.Busy, lang.M("%s (pid %d) is restoring %s: %s", o.Run.Worker.User, o.Run.Worker.PID,
				t.Database, o.ID)).
				WithHint(lang.M("watch it: opsdeck restore attach"))
		}
	}
	return nil
}

// halfLoaded refuses an order for a database that an unfinished in-place restore has loaded
// only in part: what it holds is no backup. A restore that cannot be read is named, and
// returned: the backup is made, but does not count as good.
func (sh *Shelf) halfLoaded(ctx context.Context, o Order) (unreadable string, err error) {
	if o.Kind == backup.KindEmergency {
		return "", nil // a restore saves what there is
	}
	open, err := sh.OpenRuns()
	if err != nil {
		return "", err
	}
	for _, r := range open {
		if r.Run == nil {
			sh.Say(lang.M("  ! the restore %s cannot be read (%s): whether the database is whole is unknown, so this "+
				"backup does not count as good", r.ID, r.Err.Error()))
			sh.Say(lang.M("  ! check the database, then: opsdeck restore set-aside %s, and make a new backup", r.ID))
			unreadable = r.ID
			continue
		}
		if !r.Run.State.HalfLoaded() {
			continue
		}
		t := r.Run.Plan.Target
		if !sh.reads(ctx, o, t) {
			continue
		}
		if r.Run.Alive {
			return "", ops.E(ops.Busy,
				lang.M("%s (pid %d) is restoring %s: %s", r.Run.Worker.User, r.Run.Worker.PID, t.Database, r.ID)).
				WithHint(lang.M("watch it: opsdeck restore attach"))
		}
		return "", ops.E(ops.Busy,
			lang.M("%s holds only a part of its data: the in-place restore %s was stopped while it loaded",
				t.Database, r.ID)).
			WithHint(lang.M("resume it: opsdeck restore resume %s; or return to the state before it: opsdeck restore "+
				"abort %[1]s",
				r.ID))
	}
	return unreadable, nil
}

// reads tells whether an order reads the database that a restore is for.
func (sh *Shelf) reads(ctx context.Context, o Order, t restore.Target) bool {
	for _, name := range []string{t.Database, t.Live} {
		at := sh.Service.Database
		at.Name = name
		if name != "" && (o.All || slices.Contains(o.Databases, name)) && site.SameDatabase(ctx, at, t) {
			return true
		}
	}
	return false
}

// loadedElsewhere refuses an order for a database that a restore of another machine, or of
// a state folder that is gone, has loaded only in part.
func (sh *Shelf) loadedElsewhere(ctx context.Context, o Order) error {
	if o.Kind == backup.KindEmergency {
		return nil
	}
	at := sh.Service.Database
	for _, at.Name = range o.Databases {
		if err := site.AskElsewhere(ctx, at).Refusal(at.Name); err != nil {
			return err
		}
	}
	return nil
}
