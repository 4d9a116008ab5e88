package restores

import (
	"context"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// LoadFor is the run of that id; with none the newest of this service's database. An older
// one is never meant without its id, but for a resume or an abort of one that is not over.
// passed are newer restores beside the database, which have nothing to undo or to drop. A
// run that cannot be read is an error: it may be the one.
func (d *Desk) LoadFor(id string, kind restore.Kind) (r *run.Run, passed []lang.Msg, err error) {
	if id != "" {
		r, err = d.Load(id)
		return r, nil, err
	}
	ids, err := Runs(d)
	if err != nil {
		return nil, nil, err
	}
	var newest, older *run.Run
	for _, id := range ids {
		r, err := d.Load(id)
		switch {
		case err != nil:
			return nil, nil, err
		case r.State.Stage == restore.Planned:
		case possible(r, kind) && (newest == nil || r.Open() && continues(kind)):
			return r, passed, nil
		case newest == nil && !continues(kind) && r.Plan.Mode == restore.Into:
			passed = append(passed, lang.M("skipped: restore %s, into %s: it did not change %s",
				r.Plan.ID, r.Plan.Target.Database, r.Plan.Target.Live))
		case newest == nil:
			newest = r
		case older == nil && possible(r, kind):
			older = r
		}
	}
	if newest != nil {
		return nil, nil, notNewest(newest, older, kind)
	}
	if len(ids) == 0 {
		r, err = d.Load("")
		return r, nil, err
	}
	return nil, nil, ops.E(ops.Failed, lang.M("there is no restore of %s for which this is possible: %s",
		d.Service.Database.Name, kind.Label())).
		WithHint(lang.M("list them: opsdeck restore status"))
}

// notNewest is the error that what is asked is not possible for the newest restore. An
// older one for which it is has to be named: it is another state of the database.
func notNewest(newest, older *run.Run, kind restore.Kind) error {
	hint := lang.M("list them: opsdeck restore status")
	if older != nil {
		hint = lang.M("if you mean an older one, name it: opsdeck restore %s %s", string(kind), older.Plan.ID)
	}
	p, stage := newest.Plan, newest.State.Stage
	what := lang.M("the newest restore of %s, %s, is %s: it is not possible to %s now",
		p.Target.Database, p.ID, stage.Label(), kind.Label())
	switch {
	case kind == restore.KindUndo && stage == restore.Undone:
		what = lang.M("the newest restore of %s, %s, is already undone", p.Target.Database, p.ID)
	case kind == restore.KindUndo:
		what = lang.M("the newest restore of %s, %s, cannot be undone: %s", p.Target.Database, p.ID, noUndo(newest))
	}
	return ops.E(ops.Failed, what).WithHint(hint)
}

// continues tells of the requests to a run that is not over.
func continues(kind restore.Kind) bool {
	return kind == restore.KindResume || kind == restore.KindAbort
}

// possible tells whether a request makes sense for a run.
func possible(r *run.Run, kind restore.Kind) bool {
	switch kind {
	case restore.KindResume:
		return r.Open() || r.State.Can(kind)
	case restore.KindDrop:
		return r.State.Can(kind) || r.State.Unsaved() // which is then said
	}
	return r.Can(kind)
}

// noUndo is why a run cannot be undone.
func noUndo(r *run.Run) lang.Msg {
	switch {
	case !r.NoUndo.Empty():
		return r.NoUndo
	case r.Open():
		return lang.M("it is not over (%s)", r.State.Stage.Label())
	case r.State.Stage == restore.Aborted:
		return lang.M("it was aborted")
	case r.Plan.Mode == restore.InPlace:
		return lang.M("it has no emergency backup")
	}
	return lang.M("its old tables were dropped")
}

// Covered refuses the undo of a restore that a newer one has replaced and that can be undone
// itself: it would bring back the state before both, and take the newer one's rows for writes.
func Covered(d *Desk, r *run.Run) error {
	ids, err := Runs(d)
	if err != nil {
		return err
	}
	for _, id := range ids {
		n, err := d.Store.Load(id)
		if err != nil {
			return run.OpenRun{ID: id, Err: err}.Unreadable()
		}
		same := n.Plan.Target.Live == r.Plan.Target.Live && n.Plan.Mode != restore.Into
		if !same || !n.State.Swapped || !n.State.Can(restore.KindUndo) ||
			!n.State.LiveSince().After(r.State.LiveSince()) {
			continue
		}
		return ops.E(ops.Failed, lang.M("the restore %s of %s came after it and is live", n.Plan.ID,
			n.State.LiveSince().Local().Format("2006-01-02 15:04:05"))).
			WithHint(lang.M("undo that one first: opsdeck restore undo %s", n.Plan.ID))
	}
	return nil
}

// Doomed is what a drop of a run's kept tables would remove. It fails where the server
// cannot be asked, and then nothing may be dropped.
func (d *Desk) Doomed(ctx context.Context, r *run.Run) (restore.Doomed, error) {
	server := d.server()
	defer server.Close()
	found, err := server.Cleaning.Doomed(ctx, r.Plan)
	if err != nil {
		err = ops.Wrap(err, ops.Failed, lang.M("the server cannot be asked what would be lost: nothing was dropped"))
	}
	return found, err
}

// NewestRewind is the id of the newest rewind that can be taken back, if it is newer than
// every restore that changed the database; "" for none. Where a run cannot be read it is
// none: that one may be newer.
func (d *Desk) NewestRewind() string {
	ids, err := d.Store.Runs()
	if err != nil {
		return ""
	}
	var after time.Time
	for _, id := range ids {
		r, err := d.Store.Load(id)
		if err != nil {
			return ""
		}
		if ours(d, r.Plan) && r.Plan.Mode != restore.Into && r.State.Stage != restore.Planned {
			if at := d.Store.Folder(id).Begun(); at.After(after) {
				after = at
			}
		}
	}
	return Rewinds{StateDir: d.StateDir}.Newest(d.Service.Name, after)
}
