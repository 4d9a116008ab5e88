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

// OpenRun is a run that was begun and is not over, or one that cannot be read
// and so may not be over.
type OpenRun struct {
	ID  string
	Run *Run  // nil when it cannot be read
	Err error // why it cannot be read
}

// Concerns tells whether the run changes a schema of a server. One that cannot
// be read may change any.
func (o OpenRun) Concerns(t restore.Target) bool {
	return o.Run == nil || o.Run.Plan.Target.Identity == t.Identity && o.Run.Plan.Target.Database == t.Database
}

// Of tells whether the run is one of a service's live database. One that cannot
// be read may be.
func (o OpenRun) Of(service, database string) bool {
	if o.Run == nil {
		return true
	}
	p := o.Run.Plan
	return p.Service == service && p.Target.Database == database && p.Mode != restore.Into
}

// OpenRuns are all runs that are not over, newest first. It alone answers which
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

// LogCut is the newest moment at which a run of a service exchanged the live tables of a
// database, if it is after that one; see restore.Plan.LogCut. A run that cannot be read
// is passed over: OpenRuns tells of it.
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

// Unreadable is the error for people about a run that cannot be read, with the
// way out.
func (o OpenRun) Unreadable() *ops.Error {
	return ops.Wrap(o.Err, ops.Busy, lang.M("the restore %s cannot be read, so it may be unfinished", o.ID)).
		WithHint(lang.M("check its folder; if it has ended: opsdeck restore set-aside %s", o.ID))
}

// ErrJournalLost says that a run was begun, and its journal is empty.
var ErrJournalLost = errors.New("the journal is empty, though the restore was begun")

// ErrPlanLost says that a run's folder has no plan any more.
var ErrPlanLost = errors.New("the plan is missing")

// begunFiles are left by effects of a run; where one is, the run was begun.
var begunFiles = []string{"load.tried", "exchange.json", "sessions.json", "events.json", "progress.json", "report.json"}

// touched tells whether an effect of the run has left something.
func (f Folder) touched() bool {
	for _, name := range begunFiles {
		if _, err := os.Stat(filepath.Join(f.Path, name)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// made tells whether the folder is that of a run. What cannot be looked at is.
func (f Folder) made() bool {
	for _, path := range []string{f.PlanPath(), f.JournalPath()} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return f.touched()
}

// asideSuffix makes a run's folder one that is no run any more.
const asideSuffix = ".aside"

// SetAside takes a run that cannot be read out of the way of all others. It
// refuses while a worker is on it. Nothing is removed; the folder's new path is
// returned.
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
