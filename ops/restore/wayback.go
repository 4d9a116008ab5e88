package restore

import (
	"slices"
	"time"

	"opsdeck/internal/lang"
)

// StepText describes a step: what it does, what it runs, and how to undo it.
type StepText struct {
	What       lang.Msg
	Statements []string
	Back       lang.Msg
}

// TextOf describes a step of a run in state s: on a way back the plan's own texts would
// describe what is no longer done.
func (p *Plan) TextOf(step Step, s Snapshot) StepText {
	t := StepText{What: p.What(step), Back: p.Back(step)}
	if int(step) <= len(p.Steps) {
		t.Statements = p.Steps[step-1].Statements
	}
	switch {
	case s.Stage.Back() && (s.entered(UndoStopping) || s.entered(UndoLoading)):
		returning{p}.undoText(step, s, &t)
	case s.Stage.Back():
		returning{p}.abortText(step, s, &t)
	case s.Stage != Done || p.Mode == Into:
	case !s.Kept:
		t.Back = lang.M("Nothing is kept for an undo.")
	case step == StepNotify:
		t.Back = p.Back(StepRestart)
	}
	return t
}

func (s Snapshot) entered(stage Stage) bool {
	return slices.ContainsFunc(s.Trail, func(m Mark) bool { return m.Stage == stage })
}

// Doing names what is running: the restore of a database, or a way back from one.
func (s Snapshot) Doing(database string) lang.Msg {
	switch {
	case s.Stage == Dropping || s.Stage == DropUndone || s.Stage == DropAborted || s.Stage == AskDrop:
		return lang.M("the removal of the kept tables of %s", database)
	case s.entered(UndoStopping) && s.Stage.Back():
		return lang.M("the undo of a restore of %s", database)
	case s.Stage.Back():
		return lang.M("the abort of a restore of %s", database)
	}
	return lang.M("a restore of %s", database)
}

// BackSince is the start of the current way back; zero on the way forward.
func (s Snapshot) BackSince() (at time.Time) {
	if !s.Stage.Back() {
		return at
	}
	for i := len(s.Trail) - 1; i >= 0 && s.Trail[i].Stage.Back(); i-- {
		at = s.Trail[i].Begin
	}
	return at
}

// Drops is the database that drop-old removes in the run's current state, and its
// contents.
func (p *Plan) Drops(s Snapshot) (database string, holds lang.Msg) {
	switch {
	case s.Unswapped():
		return p.Shadow, lang.M("the loaded data")
	case s.Stage.Back():
		return p.Shadow, lang.M("the restored tables")
	}
	return p.Kept, lang.M("the old tables")
}

// returning describes the steps of a plan on a way back.
type returning struct{ *Plan }

func (p returning) abortText(step Step, s Snapshot, t *StepText) {
	t.Back = lang.M("The restore is aborted and its changes are reverted.")
	switch {
	case step == StepNotify:
		t.What, t.Statements = p.reportOnly()
	case step != StepRestore || !s.entered(Cleaning):
	case p.Mode == Into:
		t.What = lang.M("Remove the data loaded into %s.", p.Target.Database)
		t.Statements = []string{DropStatement(p.Target.Database, p.Coming)}
	default:
		t.What = lang.M("Remove the new database %s. %s is not changed.", p.Shadow, p.Target.Live)
		t.Statements = []string{"DROP DATABASE IF EXISTS " + Name(p.Shadow)}
	}
}

func (p returning) undoText(step Step, s Snapshot, t *StepText) {
	t.Back = lang.M("After an undo the backup can be restored again.")
	if p.Mode == Swap && s.Kept {
		t.Back = lang.M("The restored tables are kept in %s, until `restore drop-old`.", p.Shadow)
	}
	switch whole := s.entered(UndoStopping); {
	case step == StepStop && whole && !p.Process.Untouched():
		t.What = lang.M("Stop %s.", p.Process.Name)
		t.Statements = []string{p.Process.Stop}
	case step == StepSave && whole:
		t.What = lang.M("Export the rows written since the restore, for replay.")
		t.Statements = []string{"# rows newer than the restore: restores/" + p.ID + "/later-writes/TABLE.sql"}
	case step == StepRestore:
		p.undoRestoreText(t)
	case step == StepNotify:
		t.What, t.Statements = p.reportOnly()
	}
}

func (p returning) undoRestoreText(t *StepText) {
	live := p.Target.Live
	if p.Mode == Swap {
		t.What = lang.M(
			"One RENAME moves the old tables back from %s; the restored ones go to %s.",
			p.Kept,
			p.Shadow,
		)
		if p.fromNothing() {
			t.What = lang.M("One RENAME moves the restored tables to %s; then %s has no tables, as before the restore.",
				p.Shadow, live)
		}
		t.Statements = []string{RenameStatement(SwapMoves(live, p.Kept, p.Shadow, p.Coming, p.Movable(p.Leaving))),
			"# tables made since the restore go to " + Name(p.Shadow) + " too",
			"# then the former triggers, views, routines and events are made in " + Name(live)}
		return
	}
	t.What = lang.M("Drop the restored tables of %s and load the emergency backup in their place.", live)
	t.Statements = nil
	if len(p.Coming) > 0 {
		t.Statements = append(t.Statements, DropStatement(live, p.Coming))
	}
	t.Statements = append(t.Statements, stream(p.Emergency, live))
}

func (p returning) reportOnly() (lang.Msg, []string) {
	return lang.M("Write the report."), []string{"restores/" + p.ID + "/report.md"}
}
