package main

import (
	"context"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site/restores"
)

type restoreAttachCmd struct {
	one
	answers
}

// Run watches a run.
func (c *restoreAttachCmd) Run(ctx context.Context, a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	r, err := d.Load(c.ID)
	if err != nil {
		return err
	}
	return newWatcher(a, d, r.Folder, c.answers, c.JSON).follow(ctx, "")
}

// request is what is asked of a run that was begun.
type request struct {
	one
	answers
	Confirm string `placeholder:"NAME" help:"The target database's name, to confirm without a terminal; resume needs it only for another operator's restore."`
	DryRun  bool   `help:"Show what would be done."`

	accept []string // tables that a drop may lose
}

// ask asks for it; want is the result that counts as success, empty takes any.
func (q request) ask(ctx context.Context, a *app, kind restore.Kind, want string) error {
	if q.DryRun {
		return q.dry(ctx, a, kind)
	}
	return q.goOn(ctx, a, kind, want)
}

// back is what is asked of a run on a way back. Its questions have no answer by a flag: those
// of the way forward are taken, as before, and not shown.
type back struct {
	one
	Confirm string `placeholder:"NAME" help:"The target database's name, to confirm without a terminal."`
	DryRun  bool   `help:"Show what would be done."`

	KillSessions   bool          `hidden:""`
	SkipUnreadable bool          `hidden:""`
	WithoutBackup  string        `hidden:""`
	DespiteWrites  string        `hidden:""`
	Notify         bool          `hidden:""`
	OnTrouble      string        `hidden:"" enum:"keep,undo" default:"keep"`
	AnswerAfter    time.Duration `hidden:""`
}

func (b back) request() request {
	return request{one: b.one, answers: answers{AnswerAfter: b.AnswerAfter}, Confirm: b.Confirm, DryRun: b.DryRun}
}

type (
	restoreGoOnCmd  struct{ request }
	restoreAbortCmd struct{ back }
	restoreUndoCmd  struct {
		back
		conflicts
	}
	restoreDropCmd struct {
		back
		AcceptMissing []string `placeholder:"A,B" sep:"," help:"Drop these tables even though the live database lacks them."`
	}
)

// Run takes a run up again whose worker is gone.
func (c *restoreGoOnCmd) Run(ctx context.Context, a *app) error {
	return c.ask(ctx, a, restore.KindResume, "")
}

// Run aborts a run.
func (c *restoreAbortCmd) Run(ctx context.Context, a *app) error {
	return c.request().ask(ctx, a, restore.KindAbort, "aborted")
}

// Run undoes a run.
func (c *restoreUndoCmd) Run(ctx context.Context, a *app) error {
	id := c.ID
	if id == "" {
		var err error
		if id, err = newestRewind(a); err != nil {
			return err
		}
		if id != "" {
			sayNewestRewind(a, id)
		}
	}
	if strings.HasPrefix(id, restores.RewindPrefix) {
		return c.undoRewind(ctx, a, id)
	}
	if c.Conflicts != "" {
		return ops.E(ops.Usage, lang.M("--conflicts is for the undo of a rewind: a restore has no such rows"))
	}
	return c.request().ask(ctx, a, restore.KindUndo, "undone")
}

// Run drops what undo would need.
func (c *restoreDropCmd) Run(ctx context.Context, a *app) error {
	q := c.request()
	var err error
	if q.accept, err = a.typedTables(ctx, c.AcceptMissing); err != nil {
		return err
	}
	return q.ask(ctx, a, restore.KindDrop, "")
}

// dry says what the request would do now.
func (q request) dry(ctx context.Context, a *app, kind restore.Kind) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	r, n, err := q.next(a.printer, d, kind)
	if err != nil {
		return err
	}
	if err := q.tellWhat(ctx, a.printer, d, r, kind); err != nil {
		return err
	}
	a.say(lang.M("restore %s of %s: next would be %s", r.Plan.ID, r.Plan.Target.Database, n.Stage.Label()))
	return nil
}

// next is the run that a request is for, and what the run would be after it.
func (q request) next(p *printer, d *restores.Desk, kind restore.Kind) (
	r *restorerun.Run, next restore.Snapshot, err error) {
	if r, err = askedRun(p, d, q.ID, kind); err != nil {
		return r, next, err
	}
	next, _, err = restore.Next(r.State, restore.Event{Kind: kind, Typed: r.Plan.Target.Database})
	if err == nil && kind == restore.KindUndo && !r.NoUndo.Empty() {
		err = restore.ErrNoBackup
	}
	if err != nil {
		err = r.NotNow(kind, err)
	}
	return r, next, err
}

// askedRun is the run that a request is for: the named one, else the newest, which is said.
func askedRun(p *printer, d *restores.Desk, id string, kind restore.Kind) (*restorerun.Run, error) {
	r, passed, err := d.LoadFor(id, kind)
	for _, m := range passed {
		p.note(m)
	}
	if err != nil || id != "" {
		return r, err
	}
	p.note(lang.M("restore %s of %s from %s (%s)", r.Plan.ID, r.Plan.Target.Database, r.Plan.Source.Name,
		r.State.Stage.Label()))
	return r, nil
}

// goOn asks a living worker, or starts a new one, for a request, and watches.
func (q request) goOn(ctx context.Context, a *app, kind restore.Kind, want string) error {
	if err := a.writable(); err != nil {
		return err
	}
	d, err := a.desk()
	if err != nil {
		return err
	}
	r, next, err := q.next(a.printer, d, kind)
	if err != nil {
		return err
	}
	db := r.Plan.Target.Database
	want = r.Wants(kind, next, want)
	if err := restores.Bound(ctx, d, r.Plan); err != nil {
		return err
	}
	if err := q.tellWhat(ctx, a.printer, d, r, kind); err != nil {
		return err
	}
	if err := q.confirm(ctx, a, d, r, kind); err != nil {
		return err
	}
	if err := r.Folder.Leave(q.answers.unattended(a.printer, d, false)); err != nil {
		return err
	}
	w := newWatcher(a, d, r.Folder, q.answers, q.JSON)
	w.seen = len(r.Lines) // told before
	if kind == restore.KindResume && r.Alive && r.State.Stage.Asks() && q.answers.DespiteWrites != "" {
		return w.follow(ctx, want) // its worker waits: this answers it
	}
	if kind == restore.KindResume && r.Alive {
		return ops.E(ops.Busy, lang.M("%s is working on it (pid %d)", r.Worker.User, r.Worker.PID)).
			WithHint(lang.M("watch it: opsdeck restore attach"))
	}
	err = d.Hand(
		ctx,
		r.Plan.ID,
		restorerun.Request{
			Seq:   requestSeq(r.State, kind),
			Event: restore.Event{Kind: kind, By: d.Operator(), Typed: db},
		},
	)
	if err != nil {
		return err
	}
	if r.Alive {
		w.answered = r.State.Seq // by this request
	}
	if err := w.follow(ctx, want); err != nil || kind != restore.KindDrop {
		return err
	}
	return restores.Dropped(d, r.Plan.ID)
}

// confirm asks for the name. One's own restore is resumed without; another
// operator's is taken over with it.
func (q request) confirm(ctx context.Context, a *app, d *restores.Desk, r *restorerun.Run, kind restore.Kind) error {
	db := r.Plan.Target.Database
	switch {
	case kind == restore.KindDrop:
		schema, holds := r.Plan.Drops(r.State)
		return a.confirm(ctx, db, q.Confirm,
			lang.M("Drop %s: the database %s, of restore %s of %s.", holds, schema, r.Plan.ID, db))
	case kind == restore.KindUndo:
		return a.confirm(ctx, db, q.Confirm,
			lang.M("This undoes the restore %s: %s returns to the state before it.", r.Plan.ID, db))
	case kind == restore.KindAbort:
		return a.confirm(ctx, db, q.Confirm,
			lang.M("This aborts the restore %s of %s and reverts its changes.", r.Plan.ID, db))
	case kind != restore.KindResume:
		return a.confirm(ctx, db, q.Confirm, lang.M("%s for restore %s of %s.", kind.Label(), r.Plan.ID, db))
	case r.Alive || r.LastBy() == "" || r.LastBy() == d.Operator():
		return nil
	}
	return a.confirm(ctx, db, q.Confirm,
		lang.M("The restore %s of %s belongs to %s; its worker exited in step %d: %s. You take it over.", r.Plan.ID, db,
			r.LastBy(), int(r.State.Stage.Step()), r.State.Stage.Label()))
}

func requestSeq(s restore.Snapshot, kind restore.Kind) int {
	if kind == restore.KindAbort {
		return 0
	}
	return s.Seq
}
