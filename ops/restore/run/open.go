package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// OpenRun is a run that has started and is not over, or one that cannot be read and so may
// not be over.
type OpenRun struct {
	ID  string
	Run *Run  // nil if it cannot be read
	Err error // why it cannot be read
}

// concerns reports whether the run changes a database of a server. One that cannot be read
// may change any.
func (o OpenRun) concerns(t restore.Target) bool {
	return o.Run == nil || o.Run.Plan.Target.Identity == t.Identity && o.Run.Plan.Target.Database == t.Database
}

// Of reports whether the run belongs to a service's live database. One that cannot be read
// may.
func (o OpenRun) Of(service, database string) bool {
	if o.Run == nil {
		return true
	}
	p := o.Run.Plan
	return p.Service == service && p.Target.Database == database && p.Mode != restore.Into
}

// OpenRuns are all runs that are not over, newest first. It is the only source for which
// restores are unfinished; an error means that any may be.
func (st Store) OpenRuns() ([]OpenRun, error) {
	ids, err := st.Runs()
	if err != nil {
		return nil, err
	}
	var open []OpenRun
	for _, id := range ids {
		r, err := st.Load(id)
		switch {
		case err != nil:
			open = append(open, OpenRun{ID: id, Err: err})
		case r.Open():
			open = append(open, OpenRun{ID: id, Run: r})
		}
	}
	return open, nil
}

// LogCut is the newest time, if after the given one, when a run of a service swapped the
// live tables of a database; see restore.Plan.LogCut. A run that cannot be read is
// skipped: OpenRuns reports it.
func (st Store) LogCut(service, database string, after time.Time) (newest time.Time, err error) {
	ids, err := st.Runs()
	if err != nil {
		return newest, err
	}
	for _, id := range ids {
		info, err := os.Stat(st.Folder(id).JournalPath())
		if err != nil || !info.ModTime().After(after) {
			continue
		}
		r, err := st.Load(id)
		if err != nil || r.Plan.Service != service || r.Plan.Target.Database != database {
			continue
		}
		if at := r.Plan.LogCut(r.State); at.After(after) && at.After(newest) {
			newest = at
		}
	}
	return newest, nil
}

// Unreadable is the error for people about a run that cannot be read, with a remedy.
func (o OpenRun) Unreadable() *ops.Error {
	return ops.Wrap(o.Err, ops.Busy, lang.M("the restore %s cannot be read, so it may be unfinished", o.ID)).
		WithHint(lang.M("check its folder; if it has ended: opsdeck restore set-aside %s", o.ID))
}

// errJournalLost reports that a run has started and its journal is empty.
var errJournalLost = errors.New("the journal is empty, though the restore was begun")

// errPlanLost reports that a run's folder no longer has a plan.
var errPlanLost = errors.New("the plan is missing")

// begunFiles are written by a run's effects; if one exists, the run has started.
var begunFiles = []string{"load.tried", "exchange.json", "sessions.json", "events.json", "progress.json", "report.json"}

// touched reports whether an effect of the run has left a file.
func (f Folder) touched() bool {
	for _, name := range begunFiles {
		if _, err := os.Stat(filepath.Join(f.Path, name)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// ofRun reports whether the folder belongs to a run. A folder that cannot be read does.
func (f Folder) ofRun() bool {
	for _, path := range []string{f.PlanPath(), f.JournalPath()} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return f.touched()
}

// asideSuffix marks a folder that is no longer a run.
const asideSuffix = ".aside"

// SetAside renames the folder of a run that cannot be read, so that it does not block
// others. It refuses while a worker is running. Nothing is removed; it returns the
// folder's new path.
func (st Store) SetAside(id string) (string, error) {
	if !validID.MatchString(id) {
		return "", ErrNoRun
	}
	f := st.Folder(id)
	if _, err := os.Stat(f.Path); err != nil {
		return "", errors.Join(ErrNoRun, err)
	}
	switch who, held, err := lock.Look(f.WorkerLock()); {
	case errors.Is(err, fs.ErrPermission):
		return "", err
	case held:
		return "", &lock.HeldError{Path: f.WorkerLock(), Holder: who}
	}
	return f.Path + asideSuffix, os.Rename(f.Path, f.Path+asideSuffix)
}
