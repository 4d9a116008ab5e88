package run

import (
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// Verdict is the error of a watch that ended; nil where all is well. want is the result that
// counts as success, empty takes any; stuck tells that nobody could answer a question.
func (r *Run) Verdict(want string, stuck bool) error {
	result := r.State.Result()
	switch {
	case !r.State.Stage.Final() && stuck:
		return ops.E(ops.Failed, lang.M("the restore %s is waiting for an answer: %s", r.Plan.ID, r.whyText())).
			WithHint(lang.M("answer it: opsdeck restore attach %s", r.Plan.ID))
	case !r.State.Stage.Final() && r.Alive:
		return ops.E(ops.Busy,
			lang.M("the restore %s is running: its worker is alive (pid %d)", r.Plan.ID, r.Worker.PID)).
			WithHint(lang.M("watch it: opsdeck restore attach"))
	case r.State.Stage == restore.Planned:
		return r.NotBegun()
	case !r.State.Stage.Final():
		return ops.E(ops.Busy, lang.M("the worker of restore %s has exited", r.Plan.ID)).
			WithHint(lang.M("resume: opsdeck restore resume %s", r.Plan.ID))
	case want != "" && result != want && r.State.Loaded:
		return ops.E(ops.Failed,
			lang.M("restore %s: %s; the loaded data is kept in %s", r.Plan.ID, r.State.Stage.Label(), r.Plan.Shadow)).
			WithHint(lang.M("resume it: opsdeck restore resume %s", r.Plan.ID))
	case result == "restored" && len(r.Untrue()) > 0:
		return ops.E(ops.Failed, r.Untrue()[0].Msg).WithHint(lang.M("see %s", r.Folder.ReportPath()))
	case want != "" && result != want:
		code := ops.Failed
		if r.Held() {
			code = ops.Busy
		}
		return ops.E(code, r.gaveUp()).WithHint(r.afterAbort())
	case r.State.NotReady && result == "restored":
		return ops.E(ops.Failed, lang.M("the data is restored, but the service is not ready")).
			WithHint(lang.M("opsdeck status; undo: opsdeck restore undo"))
	}
	if err := r.undoneDown(); want != "" && err != nil {
		return err
	}
	return nil
}

// NotBegun is the error about a restore whose worker never began.
func (r *Run) NotBegun() error {
	what := lang.M("the restore %s did not start; nothing was changed", r.Plan.ID)
	if why, _ := r.Unstarted(); why != "" {
		what = lang.M("the restore %s did not start, and nothing was changed: %s", r.Plan.ID, termsafe.Line(why))
	}
	return ops.E(ops.Failed, what).
		WithHint(lang.M("restore again: opsdeck restore; remove this one: opsdeck restore set-aside %s", r.Plan.ID))
}

// gaveUp says how a restore ended that was not completed, and the first problem of its load.
func (r *Run) gaveUp() lang.Msg {
	if len(r.State.Data.Doubts) == 0 {
		if by := r.abortedBy(); by != "" && by != r.Plan.Operator {
			return lang.M("restore %s: %s, by %s", r.Plan.ID, r.State.Stage.Label(), termsafe.Line(by))
		}
		return lang.M("restore %s: %s", r.Plan.ID, r.State.Stage.Label())
	}
	return lang.M("restore %s: %s, because its verification failed: %s", r.Plan.ID, r.State.Stage.Label(),
		r.State.Data.Doubts[0].Msg)
}

// abortedBy is who asked for the abort; "" where nobody did.
func (r *Run) abortedBy() string {
	for i := len(r.Lines) - 1; i >= 0; i-- {
		if e := r.Lines[i].Event; e != nil && e.Kind == restore.KindAbort {
			return e.By
		}
	}
	return ""
}

// afterAbort is what to do after a restore that gave up.
func (r *Run) afterAbort() lang.Msg {
	see := lang.M("see %s", r.Folder.ReportPath())
	if len(r.State.Data.Unreadable) == 0 {
		return see
	}
	return lang.M("%s; to restore without saving the unreadable tables first, add --skip-unreadable", see)
}

// Over says how a run ended, and how long that took: the restore, or the way back alone.
func (r *Run) Over() lang.Msg {
	id := r.Plan.ID
	stage := r.State.Stage
	path := r.Folder.ReportPath()
	n := len(r.State.Trail)
	if n == 0 {
		return lang.M("restore %s: %s; report: %s", id, stage.Label(), path)
	}
	end, begin := r.State.Trail[n-1].Begin, r.State.Trail[0].Begin
	if n > 1 {
		switch r.State.Trail[n-2].Stage {
		case restore.Dropping, restore.DropUndone, restore.DropAborted:
			return lang.M("restore %s: the kept tables are dropped; report: %s", id, path)
		}
	}
	switch since := r.State.BackSince(); {
	case since.IsZero():
		return lang.M("restore %s: %s after %s; report: %s", id, stage.Label(), human.Duration(end.Sub(begin)), path)
	case stage == restore.Undone:
		return lang.M("restore %s: undone, the undo took %s; report: %s", id, human.Duration(end.Sub(since)), path)
	default:
		return lang.M("restore %s: %s, which took %s; report: %s", id, stage.Label(), human.Duration(end.Sub(since)),
			path)
	}
}

// undoneDown is an error where an undo has left the service stopped, or not ready.
func (r *Run) undoneDown() error {
	switch {
	case r.State.Result() != "undone":
	case r.State.Unstarted && len(r.Plan.UndoneTexts(r.State)) > 0:
		return ops.E(ops.Failed, lang.M("%s; the service remains stopped", r.Plan.UndoneTexts(r.State)[0])).
			WithHint(lang.M("see %s", r.Folder.ReportPath()))
	case r.State.Unstarted:
		return ops.E(ops.Failed, lang.M("the previous state is back, and the service remains stopped: its "+
			"database is incomplete")).
			WithHint(lang.M("see %s", r.Folder.ReportPath()))
	case r.State.NotReady:
		return ops.E(ops.Failed, lang.M("the previous state is back, but the service is not ready")).
			WithHint(lang.M("see %s", r.Folder.ReportPath()))
	}
	return nil
}

func (r *Run) whyText() lang.Msg {
	if len(r.State.Why) == 0 {
		return r.State.Stage.Label()
	}
	return r.State.Why[0].Msg
}
