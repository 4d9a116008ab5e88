package deploys

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/internal/regular"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/deploy"
	"opsdeck/ops/health"
	"opsdeck/ops/host"
	"opsdeck/ops/probe"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

// world does the steps of a deployment on this machine.
type world struct{ *Desk }

// job is one step that is being done or taken back.
type job struct {
	*Desk
	plan  *deploy.Plan
	step  deploy.Step
	state deploy.State
	note  deploy.Note
	data  map[string]string
	// skipped tells that the step did nothing, for its check held already.
	skipped bool
}

func (w *world) job(p *deploy.Plan, i int, s deploy.State, note deploy.Note) *job {
	return &job{Desk: w.Desk, plan: p, step: p.Steps[i], state: s, note: note, data: map[string]string{}}
}

// End kills what a deployment left running that was killed itself.
func (w *world) End(p *deploy.Plan, c deploy.Child) error {
	killed, left := host.End(c, mark(p))
	if len(left) > 0 {
		pid := strconv.Itoa(left[0])
		return ops.E(ops.Busy,
			lang.M("a program of the interrupted run is still running and cannot be stopped: pid %s", pid)).
			WithHint(lang.M("wait until it ends (ps -fp %s), then run this again", pid))
	}
	if killed > 0 {
		w.Say(lang.M("stopped processes that the interrupted run had left: %d", killed))
	}
	return nil
}

// Do does a step.
func (w *world) Do(
	ctx context.Context, p *deploy.Plan, i int, s deploy.State, note deploy.Note,
) deploy.Outcome {
	j := w.job(p, i, s, note)
	what, err := j.do(ctx)
	return j.outcome(ctx, what, err)
}

// Undo takes a step back.
func (w *world) Undo(
	ctx context.Context, p *deploy.Plan, i int, s deploy.State, note deploy.Note,
) deploy.Outcome {
	j := w.job(p, i, s, note)
	what, err := j.undo(ctx)
	return j.outcome(ctx, what, err)
}

// outcome puts what happened in the operator's words.
func (j *job) outcome(ctx context.Context, what lang.Msg, err error) deploy.Outcome {
	o := deploy.Outcome{Data: j.data}
	o.Said = lang.BothBy(func(p *lang.Printer) string { return termsafe.Line(p.Msg(what)) })
	o.Detail = o.Said.In(j.Lang)
	if err == nil {
		o.Skipped = j.skipped
		return o
	}
	o.Failed = true
	var f *failure
	if errors.As(err, &f) {
		o.Tail = f.tail
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		late := lang.M("it did not end within %s", human.Duration(j.step.Timeout))
		if f != nil && !f.err.What.Empty() {
			late = lang.M("it did not end within %s; last seen: %s", human.Duration(j.step.Timeout), f.err.What)
		}
		err = ops.E(ops.Failed, late)
	}
	e := j.Explain(err)
	o.Said = lang.BothBy(func(p *lang.Printer) string {
		said := site.Sentence(p, e)
		if !e.Hint.Empty() {
			said += " → " + termsafe.Line(p.Msg(e.Hint))
		}
		return said
	})
	o.Detail = o.Said.In(j.Lang)
	return o
}

// failure is a command that failed, with the last lines of its output.
type failure struct {
	err  *ops.Error
	tail []string
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

func (j *job) do(ctx context.Context) (lang.Msg, error) {
	switch j.step.Kind {
	case deploy.KindBackup:
		return j.backup(ctx)
	case deploy.KindStop:
		return j.stop(ctx)
	case deploy.KindPull:
		return j.pull(ctx)
	case deploy.KindSync:
		return j.sync(ctx)
	case deploy.KindStandby:
		return j.standby(ctx)
	case deploy.KindSwitch:
		return j.toStandby(ctx)
	case deploy.KindStart:
		return j.start(ctx)
	case deploy.KindReady:
		return j.ready(ctx)
	case deploy.KindSmoke:
		f := deploy.JudgeWeb(deploy.Web{Smoke: deploy.Known(j.smoke(ctx))})
		if last := f[len(f)-1]; last.State != ops.StateOK {
			return lang.Msg{}, ops.E(ops.Failed, last.Detail).WithHint(lang.Raw(last.Fix))
		}
		return f[len(f)-1].Detail, nil
	case deploy.KindErrors:
		return j.errors(ctx)
	}
	return j.command(ctx)
}

func (j *job) undo(ctx context.Context) (lang.Msg, error) {
	r := j.repo(j.plan)
	r.began = j.note.Child
	for _, folder := range j.keep() {
		if err := r.putBack(ctx, j.plan.ID, j.step.Name, folder, j.ran()); err != nil {
			return lang.Msg{}, ops.Wrap(err, ops.Failed, lang.M("cannot restore %s", folder))
		}
	}
	if j.step.Undo != "" {
		return lang.M("%s was run", j.step.Undo), j.run(ctx, j.step.Undo, j.note.Child)
	}
	switch j.step.Kind {
	case deploy.KindStop: // it ran before
		if what, err := j.start(ctx); err != nil || j.Service.Health.URL == "" {
			return what, err
		}
		return j.ready(ctx)
	case deploy.KindPull:
		if j.plan.Releases != "" {
			return r.dropRelease(ctx, j.plan)
		}
		return lang.M("%s is checked out again", short(j.plan.From)), r.back(ctx, j.plan)
	case deploy.KindSync:
		return j.offer(ctx)
	case deploy.KindStandby:
		return j.endStandby(ctx)
	case deploy.KindSwitch:
		return j.switchBack(ctx)
	case deploy.KindStart:
		return j.stop(ctx)
	}
	if len(j.step.Keep) > 0 && j.plan.Releases != "" {
		return lang.M("nothing to undo: the previous release has a folder of its own: %s", j.plan.Former), nil
	}
	if len(j.step.Keep) > 0 {
		return lang.M("%s is as before", strings.Join(j.step.Keep, ", ")), nil
	}
	switch {
	case j.step.Kind != deploy.KindCommand:
		return lang.M("nothing to undo"), nil
	case !j.ran():
		return lang.M("nothing to undo: its command was not run"), nil
	}
	j.stays()
	return lang.M("no undo is configured: the command's changes may remain"), nil
}

// pull brings the plan's commit: into a folder of its own where the release is started
// beside the other, else in place.
func (j *job) pull(ctx context.Context) (lang.Msg, error) {
	r := j.repo(j.plan)
	r.began = j.note.Child
	if j.plan.Releases == "" {
		return lang.M("%s is checked out", short(j.plan.To)), r.pull(ctx, j.plan)
	}
	err := r.makeRelease(ctx, j.plan, releases{j.Desk}.shared())
	return lang.M("%s is checked out in %s", short(j.plan.To), j.plan.Tree()), err
}

// keep are the folders of the step that are copied before it changes them. A release in a
// folder of its own changes none of the former one's.
func (j *job) keep() []string {
	if j.plan.Releases != "" {
		return nil
	}
	return j.step.Keep
}

// code is the folder that the step's commands run in. To take a release back, its folder
// need not exist any more.
func (j *job) code() string {
	if code := j.plan.Code(); !j.state.Back || exists(code) {
		return code
	}
	return j.plan.Dir
}

// stays notes that what the step changed may stay.
func (j *job) stays() {
	j.data[deploy.MayStay] = j.step.Name
	if before := j.state.Data[deploy.MayStay]; before != "" {
		j.data[deploy.MayStay] = before + ", " + j.step.Name
	}
}

// run runs a command of a step.
func (j *job) run(ctx context.Context, line string, started func(deploy.Child) error) error {
	return j.runWith(ctx, line, nil, started)
}

// runWith runs a command with further variables, which may be secret.
func (j *job) runWith(ctx context.Context, line string, env []string, started func(deploy.Child) error) error {
	log, err := j.log(j.plan)
	if err != nil {
		return err
	}
	defer log.Close()
	v := j.veil(j.plan.Dir)
	fmt.Fprintf(log, "# %s %s: %s\n", j.Clock.Now().Format(time.RFC3339), j.step.Name, v.text(line))
	out := host.Run(ctx, host.Command{
		Shell:   line,
		Dir:     j.code(),
		Started: started,
		Log:     log,
		Hide:    v.text,
		Env:     slices.Concat(marks(j.plan), toolEnv, env),
	})
	if out.Err == nil {
		return nil
	}
	// Running it again would take the former release, or find no folder: it may be rolled back.
	hint := lang.M("read its output: less %s", human.Shell(logPath(j.Desk, j.plan)))
	return &failure{ops.Wrap(nil, ops.Failed, lang.M("%s failed (%s): %s", line, ended(out), out.Why())).
		WithHint(hint), out.Tail}
}

func ended(o host.Output) lang.Msg {
	if o.Code >= 0 {
		return lang.M("exit code %d", o.Code)
	}
	return lang.Raw(o.Err.Error())
}

// toolEnv keeps the tools of Node plain and quiet.
var toolEnv = []string{"CI=1", "NO_COLOR=1", "npm_config_update_notifier=false", "npm_config_fund=false",
	"npm_config_audit=false"}

// command runs the step's command, unless its check says that nothing needs to be done.
func (j *job) command(ctx context.Context) (lang.Msg, error) {
	if j.step.Check != "" {
		out := host.Run(ctx, host.Command{
			Shell:   j.step.Check,
			Dir:     j.code(),
			Env:     marks(j.plan),
			Started: j.note.Child,
		})
		if out.Err == nil {
			j.skipped = !j.ran() // one that was interrupted has run
			return deploy.NothingToDo(j.step), nil
		}
	}
	r := j.repo(j.plan)
	r.began = j.note.Child
	for _, folder := range j.keep() {
		if err := r.keep(ctx, j.plan.ID, j.step.Name, folder); err != nil {
			return lang.Msg{}, err
		}
	}
	return lang.M("%s was run", j.step.Run), j.run(ctx, j.step.Run, func(c deploy.Child) error {
		ran := map[string]string{deploy.RanKey(j.step): "1"}
		return j.note(deploy.Line{Event: deploy.EventChild, Child: &c, Data: ran})
	})
}

// ran tells whether the step's own command was started, which is in the journal before it
// runs.
func (j *job) ran() bool { return j.state.Data[deploy.RanKey(j.step)] != "" }

func (j *job) backup(ctx context.Context) (lang.Msg, error) {
	sh, err := backups.Open(j.Site)
	if err != nil {
		return lang.Msg{}, err
	}
	order, err := sh.Maker().OrderOf(backups.Order{})
	if err != nil {
		return lang.Msg{}, err
	}
	m, err := sh.Maker().Make(ctx, order, func(ops.Progress) {})
	if m == nil || err != nil {
		return lang.Msg{}, err
	}
	j.data["backup"] = filepath.Base(m.Path)
	return lang.M("backup %s, %s", j.data["backup"], human.Bytes(m.SizeBytes)), nil
}

// startedAt is when the start command was given.
const startedAt = "started_at"

// poll is how often a service is asked while it is waited for.
const poll = 100 * time.Millisecond

func (j *job) stop(ctx context.Context) (lang.Msg, error) {
	if uncontrolled(j.Service.Process) {
		return lang.Msg{}, noControl(j.Service.Name)
	}
	if err := j.ctl.Stop(ctx); err != nil {
		return lang.Msg{}, err
	}
	for {
		p := j.ctl.Status(ctx)
		switch p.State {
		case health.ProcessStopped, health.ProcessFailed:
			return lang.M("%s is stopped", j.name()), nil
		case health.ProcessUnknown:
			return lang.Msg{}, ops.E(ops.Failed, lang.M("whether %s is stopped is unknown: %s", j.name(), p.Reason))
		}
		if err := pause(ctx); err != nil {
			return lang.Msg{}, err
		}
	}
}

func (d *Desk) name() string {
	if d.Service.Process.Name != "" {
		return d.Service.Process.Name
	}
	return d.Service.Name
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}

func (j *job) start(ctx context.Context) (lang.Msg, error) {
	if uncontrolled(j.Service.Process) {
		return lang.Msg{}, noControl(j.Service.Name)
	}
	switch j.ctl.Status(ctx).State {
	case health.ProcessStopped, health.ProcessFailed:
		if err := portFree(j.Desk, j.plan.Dir); err != nil {
			return lang.Msg{}, err
		}
	case health.ProcessRunning:
		if j.step.Kind == deploy.KindStart && j.state.Data[startedAt] == "" {
			return lang.Msg{}, ops.E(ops.Failed, lang.M("%s was started by something else before this step: "+
				"the process that runs may be the old one", j.name()))
		}
	}
	if j.state.Data[startedAt] == "" {
		j.data[startedAt] = j.Clock.Now().Format(time.RFC3339Nano)
		// before the start: a step that is interrupted and repeated knows its own process
		if err := j.note(deploy.Line{Event: deploy.EventSeen, Data: j.data}); err != nil {
			return lang.Msg{}, err
		}
	}
	if err := j.ctl.Start(ctx); err != nil {
		return lang.Msg{}, err
	}
	return lang.M("%s is started", j.name()), nil
}

// ready waits until the service says that it is ready, or its keeper has stopped trying.
func (j *job) ready(ctx context.Context) (lang.Msg, error) {
	ask := probe.Readiness(j.Service.Health.URL)
	for {
		one, cancel := context.WithTimeout(ctx, j.Service.Health.Timeout)
		r := ask(one)
		cancel()
		if r.State == ops.StateOK {
			return lang.M("/health/ready reports: ready"), nil
		}
		p := j.ctl.Status(ctx)
		if p.State == health.ProcessFailed || p.State == health.ProcessStopped && ctx.Err() == nil {
			return lang.Msg{}, &failure{ops.E(ops.Failed, lang.M("%s is not running: %s", j.name(), p.Reason)).
				WithHint(lang.M("read its log: opsdeck logs --newest --limit 50")), lastLines(p.Logs)}
		}
		if err := pause(ctx); err != nil {
			return lang.Msg{}, &failure{ops.E(ops.Failed, r.Detail), lastLines(p.Logs)}
		}
	}
}

// lastLines are the last lines of the first of some log files that holds any.
func lastLines(paths []string) []string {
	for _, path := range paths {
		f, err := regular.Open(path)
		if err != nil {
			continue
		}
		info, err := f.Stat()
		text := make([]byte, 16<<10)
		n := 0
		if err == nil {
			n, _ = f.ReadAt(text, max(0, info.Size()-int64(len(text))))
		}
		f.Close()
		var lines []string
		for _, l := range strings.Split(string(text[:n]), "\n") {
			if l = termsafe.Line(redact.Text(l)); strings.TrimSpace(l) != "" {
				lines = append(lines, l)
			}
		}
		if len(lines) > 0 {
			return lines[max(0, len(lines)-20):]
		}
	}
	return nil
}
