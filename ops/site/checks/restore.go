package checks

import (
	"context"
	"errors"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/restore"

	"opsdeck/ops/restore/run"
	"opsdeck/ops/site"
)

// restoring checks whether a restore of the service's database is under way.
// Then the service stands still on purpose, and nobody should start it by hand.
func (b *checker) restoring() {
	name := b.Service.Database.Name
	if name == "" {
		return
	}
	look := func(ctx context.Context) health.Result {
		at, err := b.Site()
		if err != nil {
			return cannot(lang.M("cannot check the restores"), err)
		}
		run, err := OpenRun(at, b.Service.Name, name)
		if err != nil {
			return cannot(lang.M("cannot check the restores"), err)
		}
		switch {
		case run == nil:
			return elsewhere(ctx, at)
		case run.Run == nil:
			return judgeUnreadable(*run)
		}
		return JudgeRun(run.Run, name)
	}
	b.add("restore", health.KindRestore, 1, look,
		limits(lang.M("a restore"), lang.M("is running"), lang.M("stopped partway")), "opsdeck restore status")
}

// elsewhere tells of a restore that this state folder does not know, by what the server
// knows of it.
func elsewhere(ctx context.Context, at *site.Site) health.Result {
	name := at.Service.Database.Name
	r := JudgeRun(nil, name)
	ctx, cancel := context.WithTimeout(ctx, max(at.Service.Health.Timeout/2, time.Second))
	defer cancel()
	e := site.AskElsewhere(ctx, at.Service.Database)
	var claim *ops.Error
	errors.As(e.Claim, &claim)
	switch {
	case e.Loading && claim != nil:
		r.FindNext(ops.StateCritical,
			lang.M("another opsdeck is restoring %s, which holds only a part of its data", name),
			claim.What, lang.M("Do not start anything by hand before it ends."))
	case e.Loading:
		r.FindNext(ops.StateCritical, lang.M("%s holds only a part of its data", name),
			lang.M("a restore that this machine does not know was stopped while it loaded"),
			lang.M("Resume or abort it on the machine that began it."))
	case claim != nil && !at.Working():
		r.FindNext(ops.StateWarning, lang.M("another opsdeck works on %s", name), claim.What,
			lang.M("Do not start anything by hand before it ends."))
	}
	return r
}

// onPurpose says to start nothing by hand while a restore or a deployment is under
// way, which stopped the service on purpose.
func (b *checker) onPurpose(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		if r.State == ops.StateOK {
			return r
		}
		r.Deploying = b.whileDeploying()
		if b.Service.Database.Name == "" {
			return r
		}
		r.Meanwhile = startNothing()
		at, err := b.Site()
		if err != nil {
			r.Restoring = true
			return r
		}
		run, err := OpenRun(at, b.Service.Name, b.Service.Database.Name)
		r.Restoring = err != nil || run != nil
		switch {
		case err != nil:
			r.Meanwhile = lang.M(
				"Do not start anything by hand before you know the state of the restores: opsdeck restore status",
			)
		case run != nil && run.Run == nil:
			r.Meanwhile = run.Unreadable().Hint
		}
		return r
	}
}

// serverFirst keeps the advice about a MySQL server that is down while a restore is running:
// no restore stops the server, and none continues without it.
func (b *checker) serverFirst(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		if r.Down && !r.Next.Empty() && r.Meanwhile.Key == startNothing().Key {
			r.Meanwhile = lang.M("%s. Start nothing else by hand: a restore is not over; it continues then, or can be "+
				"resumed.", r.Next)
		}
		return r
	}
}

func startNothing() lang.Msg {
	return lang.M("Do not start anything by hand; watch it: opsdeck restore attach.")
}

// OpenRun is the restore of a service's database that was begun and is not over,
// or one that cannot be read and so may be that, or nil.
func OpenRun(s *site.Site, service, database string) (*run.OpenRun, error) {
	open, err := s.OpenRuns()
	if err != nil {
		return nil, err
	}
	var unreadable *run.OpenRun
	for i, o := range open {
		switch {
		case o.Run == nil && unreadable == nil:
			unreadable = &open[i]
		case o.Run != nil && o.Of(service, database):
			return &open[i], nil
		}
	}
	return unreadable, nil
}

// judgeUnreadable is a run of which nobody knows how it stands.
func judgeUnreadable(o run.OpenRun) health.Result {
	var r health.Result
	r.Add("id", o.ID, lang.Msg{})
	problem := o.Unreadable()
	r.Find(ops.StateCritical, problem.What, lang.Raw(o.Err.Error()))
	r.Next = problem.Hint
	return r
}

// JudgeRun is how a run stands, for those who did not begin it.
func JudgeRun(run *run.Run, database string) health.Result {
	if run == nil {
		return health.Result{Detail: lang.M("no restore running")}
	}
	step := run.State.Stage.Step()
	var r health.Result
	r.Add("id", run.Plan.ID, lang.Msg{})
	r.Add("step", step.Name(), step.Label())
	r.Add("operator", run.Plan.Operator, lang.Msg{})
	if run.Progress != nil && run.Progress.Total > 0 {
		done := float64(run.Progress.Done) / float64(run.Progress.Total)
		r.Add("done_share", done, lang.Raw(human.Percent(done)))
	}
	what := run.State.Doing(database)
	where := lang.M("step %d of 7, %s, by %s", int(step), step.Label(), run.Plan.Operator)
	if w := run.Waiting(); run.Alive && w != nil {
		return judgeWaiting(r, w, where, what)
	}
	if run.Alive {
		r.Find(ops.StateWarning, lang.M("%s is running", what), where)
		r.Next = startNothing()
		return r
	}
	r.Find(ops.StateCritical, lang.M("%s stopped partway", what), where)
	r.Next = lang.M("Resume it: opsdeck restore resume.")
	if run.State.Can(restore.KindAbort) {
		r.Next = lang.M("Resume it: opsdeck restore resume; or abort it: opsdeck restore abort.")
	}
	return r
}

// judgeWaiting is a run that waits for an answer: since when and for what.
func judgeWaiting(r health.Result, w *run.Waiting, where, what lang.Msg) health.Result {
	at := w.Since.Local().Format("2006-01-02 15:04:05")
	r.Add("waits_since", w.Since, lang.Raw(at))
	if len(w.For) > 0 {
		where = lang.M("%s: %s", where, w.For[0].Msg)
	}
	r.Find(ops.StateCritical, lang.M("%s is waiting for an answer", what), lang.M("since %s, %s", at, where))
	r.Next = lang.M("Answer it: opsdeck restore attach.")
	if !w.Until.IsZero() {
		r.Next = lang.M("Answer it: opsdeck restore attach. Without an answer, its flags decide at %s: %s.",
			w.Until.Local().Format("15:04:05"), w.Then.Label())
	}
	return r
}
