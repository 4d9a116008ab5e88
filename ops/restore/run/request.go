package run

import (
	"errors"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// NotNow is the error of a request that the run does not take now; err says why.
func (r *Run) NotNow(kind restore.Kind, err error) error {
	if !r.NoUndo.Empty() && kind == restore.KindUndo {
		return ops.E(ops.Failed, lang.M("nothing was changed: %s", r.NoUndo)).
			WithHint(lang.M("see what is possible: opsdeck restore status"))
	}
	if errors.Is(err, restore.ErrNoBackup) {
		return ops.E(ops.Failed, lang.M("there is no emergency backup to return to")).
			WithHint(lang.M("continue it instead: opsdeck restore resume"))
	}
	if errors.Is(err, restore.ErrUnsaved) {
		return ops.E(ops.Failed, lang.M("the old tables of restore %s are not backed up yet: nothing was dropped",
			r.Plan.ID)).
			WithHint(lang.M("back them up: opsdeck restore resume %s", r.Plan.ID))
	}
	if _, ok := r.Unstarted(); ok {
		return r.NotBegun()
	}
	return ops.E(ops.Failed,
		lang.M("the restore %s is %s: it is not possible to %s now", r.Plan.ID, r.State.Stage.Label(), kind.Label())).
		WithHint(lang.M("see what is possible: opsdeck restore status"))
}

// Wants is the result that counts as success for a request that leads to next; want is what
// was asked for.
func (r *Run) Wants(kind restore.Kind, next restore.Snapshot, want string) string {
	stage := r.State.Stage
	switch {
	case kind == restore.KindAbort && (next.Stage == restore.UndoLoading || next.Stage == restore.UndoStopping):
		return "undone" // the live database was changed: an abort loads the emergency backup back
	case kind == restore.KindAbort && next.Stage == restore.Starting:
		return "restored" // the undo had not changed anything: the restored data stays
	case kind == restore.KindResume && (stage == restore.Aborted || !stage.Back()):
		return "restored"
	}
	return want
}
