package restores

import (
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// LoadFor is the run of that id; with none the newest of this service's database for
// which a request is possible. An undo goes no further back than the newest restore that
// changed the database: what an older one kept is not what was there before it. A run
// that cannot be read is an error: it may be the one.
func (d *Desk) LoadFor(id string, kind restore.Kind) (*run.Run, error) {
	if id != "" {
		return d.Load(id)
	}
	ids, err := d.Store.Runs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := d.Load(id)
		if err != nil {
			return nil, err
		}
		switch {
		case r.Plan.Service != d.Service.Name || r.State.Stage == restore.Planned:
		case possible(r, kind):
			return r, nil
		case kind == restore.KindUndo && alters(r):
			return nil, ops.E(ops.Failed, lang.M("the newest restore of %s, %s, cannot be undone: %s",
				r.Plan.Target.Database, r.Plan.ID, noUndo(r))).
				WithHint(lang.M("opsdeck restore status shows which can; name it: opsdeck restore undo ID"))
		}
	}
	if len(ids) == 0 {
		return d.Load("")
	}
	return nil, ops.E(ops.Failed, lang.M("there is no restore of %s for which this is possible: %s",
		d.Service.Database.Name, kind.Label())).
		WithHint(lang.M("list them: opsdeck restore status"))
}

// possible tells whether a request makes sense for a run.
func possible(r *run.Run, kind restore.Kind) bool {
	if kind == restore.KindResume {
		return r.Open() || r.State.Can(kind)
	}
	return r.State.Can(kind)
}

// alters tells whether a run changed the live database, or is about to.
func alters(r *run.Run) bool { return r.Plan.Mode != restore.Into && (r.State.Swapped || r.Open()) }

// noUndo is why a run cannot be undone.
func noUndo(r *run.Run) lang.Msg {
	switch {
	case r.Open():
		return lang.M("it is not over (%s)", r.State.Stage.Label())
	case r.Plan.Mode == restore.InPlace:
		return lang.M("it has no emergency backup")
	}
	return lang.M("its old tables were dropped")
}

// NewestRewind is the id of the newest rewind that can be taken back, if it is newer than
// every restore that changed the database; "" for none. Where a run cannot be read it is
// none: that one may be newer.
func (d *Desk) NewestRewind() string {
	ids, err := d.Store.Runs()
	if err != nil {
		return ""
	}
	after := ""
	for _, id := range ids {
		r, err := d.Store.Load(id)
		if err != nil {
			return ""
		}
		if r.Plan.Service == d.Service.Name && r.Plan.Mode != restore.Into && r.State.Stage != restore.Planned {
			after = max(after, id)
		}
	}
	return Rewinds{StateDir: d.StateDir}.Newest(after)
}
