package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/report"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site/restores"
)

// restoreCmd is the group of the restore verbs.
type restoreCmd struct {
	Run      restoreRunCmd     `cmd:"" default:"withargs" help:"Plan a restore, confirm it, execute it."`
	Lost     restoreLostCmd    `cmd:"" help:"Show what a restore would lose, and export it for replay."`
	Status   restoreStatusCmd  `cmd:"" help:"Show the state of the newest restore, or of the given one."`
	Attach   restoreAttachCmd  `cmd:"" help:"Watch a running restore and answer its questions."`
	Resume   restoreGoOnCmd    `cmd:"" help:"Resume a restore whose worker has exited."`
	Abort    restoreAbortCmd   `cmd:"" help:"Abort a restore and revert its changes."`
	Undo     restoreUndoCmd    `cmd:"" help:"Undo a restore: return to the state before it."`
	DropOld  restoreDropCmd    `cmd:"" help:"Drop the old tables that a restore kept for undo."`
	Report   restoreReportCmd  `cmd:"" help:"Print the report of a restore."`
	Rewind   restoreRewindCmd  `cmd:"" help:"Undo one transaction of the binlog, row by row."`
	Standby  restoreStandbyCmd `cmd:"" help:"Keep a second copy of the database loaded, so that a restore takes seconds."`
	Rescue   restoreRescueCmd  `cmd:"" help:"Compare one table with its copy in a backup, and merge chosen rows."`
	SetAside restoreAsideCmd   `cmd:"" help:"Set aside an unreadable restore, so that it no longer blocks others; check it first."`
	Worker   restoreWorkerCmd  `cmd:"" hidden:"" help:"Execute a restore; started by the other commands."`
}

// answers are what a headless restore says to the questions that may come up.
type answers struct {
	KillSessions   bool   `help:"End the sessions that still write after the stop."`
	SkipUnreadable bool   `help:"Continue even if some tables cannot be included in the emergency backup."`
	WithoutBackup  string `placeholder:"NAME" help:"Continue if the emergency backup fails; give the database name to confirm."`
	DespiteWrites  string `placeholder:"NAME" help:"Continue even if writes continue or cannot be ruled out; give the database name to confirm."`
	Notify         bool   `help:"Send the notification at the end."`
	OnTrouble      string `placeholder:"keep|undo" enum:"keep,undo" default:"keep" help:"If the service is not ready at the end: keep or undo."`

	AnswerAfter time.Duration `placeholder:"DUR" help:"Without a terminal: how long a question waits for a person after this command has exited, until these flags answer it (30s; with --detach 10m)."`
}

// How long a question of a run waits for a person, when nobody watches it: one
// whose command was ended, and one that was begun to be left alone.
const (
	answerAfter = 30 * time.Second
	answerAlone = 10 * time.Minute
)

// words are the answers as the policy takes them.
func (ans answers) words() restorerun.Answers {
	return restorerun.Answers{
		KillSessions:   ans.KillSessions,
		SkipUnreadable: ans.SkipUnreadable,
		WithoutBackup:  ans.WithoutBackup,
		DespiteWrites:  ans.DespiteWrites,
		Notify:         ans.Notify,
		OnTrouble:      ans.OnTrouble,
	}
}

// unattended is what a run is left with that was begun or asked for without a
// terminal; nil at one: there a person answers.
func (ans answers) unattended(p *printer, d *restores.Desk, alone bool) *restorerun.Unattended {
	if p.atTerminal() {
		return nil
	}
	after := ans.AnswerAfter
	switch {
	case after > 0:
	case alone:
		after = answerAlone
	default:
		after = answerAfter
	}
	return &restorerun.Unattended{Answers: ans.words(), After: restore.Span(after), By: d.Operator()}
}

// restoreRunCmd is `opsdeck restore --from NAME`.
type restoreRunCmd struct {
	answers
	untilFlags
	From          string   `placeholder:"NAME" help:"The backup or a dump file (default: the newest good backup)."`
	Mode          string   `placeholder:"swap|in-place" enum:",swap,in-place" default:"" help:"swap swaps the tables at the end, in-place loads into the live database."`
	To            string   `placeholder:"SCHEMA" help:"Load into this database, which must not exist or be empty; the live one is not changed."`
	FromSchema    string   `placeholder:"NAME" help:"The database in the dump, if its name differs from the service's."`
	Tables        []string `placeholder:"A,B" sep:"," help:"Only these tables."`
	AcceptMissing []string `placeholder:"A,B" sep:"," help:"Accept that these tables are dropped or shrink, because the backup lacks them or most of their rows."`
	KeepRunning   bool     `help:"Keep the service running; what it writes meanwhile is lost."`
	ExportLost    string   `placeholder:"DIR" help:"Before the start, write the rows that will be lost to this folder."`
	Plan          bool     `help:"Print the plan and do nothing."`
	DryRun        bool     `help:"The same as --plan."`
	PlanHash      string   `placeholder:"HASH" help:"Refuse if the plan does not have this hash."`
	Confirm       string   `placeholder:"NAME" help:"The target database's name, to confirm without a terminal."`
	JSON          bool     `name:"json" help:"NDJSON events, or the plan as JSON."`
	Detach        bool     `help:"Start it and do not wait."`
}

// Run plans, confirms and carries out.
func (c *restoreRunCmd) Run(ctx context.Context, a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	if c.To != "" && c.Mode != "" {
		return ops.E(ops.Usage, lang.M("--to and --mode cannot be used together"))
	}
	if err := a.writable(); err != nil && !c.Plan && !c.DryRun {
		return err
	}
	moment, err := c.moment(a.clock.Now())
	if err != nil {
		return err
	}
	a.note(lang.M("checking the backup and the target …"))
	d.Tell = a.note
	p, err := d.Draft(ctx, restore.Choice{
		Source: c.From,
		Mode:   restore.Mode(c.Mode),
		Into:   c.To,
		Tables: c.Tables,
		Accept: c.AcceptMissing,
		Leave:  c.KeepRunning,
		From:   c.FromSchema,
		Moment: moment,
	})
	if err != nil {
		return err
	}
	if c.PlanHash != "" && c.PlanHash != p.Hash {
		return ops.Wrap(restore.ErrPlanChanged, ops.Failed, lang.M("the plan differs from the one shown; nothing "+
			"was done")).
			WithHint(lang.M("show it again: opsdeck restore --plan"))
	}
	if c.Plan || c.DryRun {
		if c.JSON {
			return a.json(p)
		}
		return a.plain(report.Runbook(p, a.lang))
	}
	if p.Blocked() {
		return restores.Blocked(p)
	}
	if err := d.Vacant(ctx, p.Target); err != nil {
		return err
	}
	tellPlan(a.printer, p)
	if err := a.confirm(ctx, p.Target.Database, c.Confirm,
		lang.M("This replaces %s with the state of %s.", p.Target.Database,
			p.Source.At.Local().Format("2006-01-02 15:04:05"))); err != nil {
		return err
	}
	if c.ExportLost != "" {
		bar := a.progress()
		err := d.ExportLost(ctx, p, c.ExportLost, bar.report)
		bar.done()
		if err != nil {
			return err
		}
	}
	f, err := d.Begin(ctx, p, p.Target.Database, c.answers.unattended(a.printer, d, c.Detach))
	if err != nil {
		return err
	}
	if c.Detach {
		a.note(lang.M("restore %s is running; watch it: opsdeck restore attach", p.ID))
		return a.json(map[string]string{"id": p.ID})
	}
	return newWatcher(a, d, f, c.answers, c.JSON).follow(ctx, "restored")
}

// tellPlan says what a person must know before the name is typed.
func tellPlan(out *printer, p *restore.Plan) {
	out.note(
		lang.M(
			"restore %s: %s from %s into %s at %s, mode %s",
			p.ID,
			p.Target.Database,
			p.Source.Name,
			p.Loaded(),
			p.Target.Address,
			p.Mode.Label(),
		),
	)
	for _, f := range p.Known() {
		out.note(lang.M("  %s: %s", f.State.Label(), f.What.Msg))
	}
	if p.Assessment != nil && p.Mode != restore.Into {
		for _, t := range p.Assessment.Loss.Tables {
			out.note(lang.M("  will be lost: %s", lang.Raw(lossLine(out.lang, t))))
		}
		if sum := p.Assessment.Loss.Sum(); !sum.Empty() && len(p.Assessment.Loss.Tables) > 1 {
			out.note(lang.M("  total: %s", sum))
		}
		for _, doubt := range p.Assessment.Loss.Doubts() {
			out.note(lang.M("  %s", doubt))
		}
		if l := p.Assessment.Loss; len(l.Tables)+len(l.Unknown)+len(l.Unseen) > 0 || l.Estimated() {
			out.note(lang.M("  keep them for replay: --export-lost DIR"))
		}
	}
}

// one is the argument of the verbs that act on a run.
type one struct {
	ID   string `arg:"" optional:"" help:"The restore's id (default: the newest)."`
	JSON bool   `name:"json" help:"Print JSON."`
}

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

type (
	restoreGoOnCmd  struct{ request }
	restoreAbortCmd struct{ request }
	restoreUndoCmd  struct{ request }
	restoreDropCmd  struct {
		request
		AcceptMissing []string `placeholder:"A,B" sep:"," help:"Drop these tables even though the live database lacks them."`
	}
)

// Run takes a run up again whose worker is gone.
func (c *restoreGoOnCmd) Run(ctx context.Context, a *app) error {
	return c.ask(ctx, a, restore.KindResume, "")
}

// Run aborts a run.
func (c *restoreAbortCmd) Run(ctx context.Context, a *app) error {
	return c.ask(ctx, a, restore.KindAbort, "aborted")
}

// Run undoes a run.
func (c *restoreUndoCmd) Run(ctx context.Context, a *app) error {
	id := c.ID
	if id == "" {
		var err error
		if id, err = newestRewind(a); err != nil {
			return err
		}
	}
	if strings.HasPrefix(id, restores.RewindPrefix) {
		return c.undoRewind(ctx, a, id)
	}
	return c.ask(ctx, a, restore.KindUndo, "undone")
}

// Run drops what undo would need.
func (c *restoreDropCmd) Run(ctx context.Context, a *app) error {
	c.accept = c.AcceptMissing
	return c.ask(ctx, a, restore.KindDrop, "")
}

// dry says what the request would do now.
func (q request) dry(ctx context.Context, a *app, kind restore.Kind) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	r, err := askedRun(a.printer, d, q.ID, kind)
	if err != nil {
		return err
	}
	n, _, err := restore.Next(r.State, restore.Event{Kind: kind, Typed: r.Plan.Target.Database})
	if err != nil {
		return notNow(r, kind, err)
	}
	if err := q.tellWhat(ctx, a.printer, d, r, kind); err != nil {
		return err
	}
	a.say(lang.M("restore %s of %s: next would be %s", r.Plan.ID, r.Plan.Target.Database, n.Stage.Label()))
	return nil
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

func notNow(r *restorerun.Run, kind restore.Kind, err error) error {
	if errors.Is(err, restore.ErrNoBackup) {
		return ops.E(ops.Failed, lang.M("there is no emergency backup to return to")).
			WithHint(lang.M("continue it instead: opsdeck restore resume"))
	}
	return ops.E(ops.Failed, lang.M("the restore %s is %s: %s is not possible now", r.Plan.ID, r.State.Stage.Label(), kind.Label())).
		WithHint(lang.M("see what is possible: opsdeck restore status"))
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
	r, err := askedRun(a.printer, d, q.ID, kind)
	if err != nil {
		return err
	}
	db := r.Plan.Target.Database
	if _, _, err := restore.Next(r.State, restore.Event{Kind: kind, Typed: db}); err != nil {
		return notNow(r, kind, err)
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
	w := newWatcher(a, d, r.Folder, q.answers, q.JSON)
	w.seen = len(r.Lines) // told before
	return w.follow(ctx, want)
}

// confirm asks for the name. One's own restore is resumed without; another
// operator's is taken over with it.
func (q request) confirm(
	ctx context.Context,
	a *app,
	d *restores.Desk,
	r *restorerun.Run,
	kind restore.Kind,
) error {
	db := r.Plan.Target.Database
	switch {
	case kind == restore.KindDrop:
		schema, holds := r.Plan.Drops(r.State)
		return a.confirm(ctx, db, q.Confirm,
			lang.M("Drop %s: the database %s, of restore %s of %s.", holds, schema, r.Plan.ID, db))
	case kind != restore.KindResume:
		return a.confirm(ctx, db, q.Confirm, lang.M("%s for restore %s of %s.", kind.Label(), r.Plan.ID, db))
	case r.Alive || r.LastBy() == "" || r.LastBy() == d.Operator():
		return nil
	}
	return a.confirm(ctx,
		db,
		q.Confirm,
		lang.M("The restore %s of %s belongs to %s; its worker exited in step %d: %s. You take it over.",
			r.Plan.ID, db, r.LastBy(), int(r.State.Stage.Step()), r.State.Stage.Label()),
	)
}

func requestSeq(s restore.Snapshot, kind restore.Kind) int {
	if kind == restore.KindAbort {
		return 0
	}
	return s.Seq
}

type restoreStatusCmd struct {
	one
}

// runJSON is one run for programs.
type runJSON struct {
	ID         string     `json:"id"`
	Service    string     `json:"service"`
	Database   string     `json:"database"`
	Backup     string     `json:"backup"`
	RestoredTo time.Time  `json:"restored_to"`
	Mode       string     `json:"mode"`
	Stage      string     `json:"stage"`
	Step       string     `json:"step"`
	Result     string     `json:"result"`
	Running    bool       `json:"running"`
	Operator   string     `json:"operator"`
	BeganAt    *time.Time `json:"began_at,omitempty"`
	Answers    []string   `json:"answers"`
	Why        []string   `json:"why,omitempty"`
	WaitsSince *time.Time `json:"waits_since,omitempty"`
	WaitsFor   []string   `json:"waits_for,omitempty"`
	WaitsUntil *time.Time `json:"waits_until,omitempty"` // then its flags answer
	Kept       bool       `json:"undo_possible"`
	Loaded     string     `json:"loaded_schema,omitempty"` // what was loaded of a run that was given up
	Report     string     `json:"report,omitempty"`
}

// runDocument is a run for programs.
func runDocument(l *lang.Printer, r *restorerun.Run) runJSON {
	out := runJSON{
		ID:         r.Plan.ID,
		Service:    r.Plan.Service,
		Database:   r.Plan.Target.Database,
		Backup:     r.Plan.Source.Name,
		RestoredTo: r.Plan.Source.At,
		Mode: string(
			r.Plan.Mode,
		),
		Stage:    string(r.State.Stage),
		Step:     r.State.Stage.Step().Name(),
		Result:   r.State.Result(),
		Running:  r.Alive,
		Operator: r.Plan.Operator,
		Answers:  []string{},
		Kept:     r.State.Kept && r.State.Swapped, // what is undone keeps its old tables, too
		Report:   r.State.Data.Report,
	}
	for _, k := range r.State.Answers() {
		out.Answers = append(out.Answers, string(k))
	}
	if (r.Open() || r.State.Loaded && r.State.Stage.Final()) && !r.Alive {
		out.Answers = append(out.Answers, string(restore.KindResume))
	}
	for _, n := range r.State.Why {
		out.Why = append(out.Why, l.Msg(n.Msg))
	}
	if w := r.Waiting(); w != nil {
		out.WaitsSince = &w.Since
		for _, n := range w.For {
			out.WaitsFor = append(out.WaitsFor, l.Msg(n.Msg))
		}
		if !w.Until.IsZero() {
			out.WaitsUntil = &w.Until
		}
	}
	if r.State.Loaded {
		out.Loaded = r.Plan.Shadow
	}
	if len(r.State.Trail) > 0 {
		out.BeganAt = &r.State.Trail[0].Begin
	}
	return out
}

// Run shows one run, or all.
func (c *restoreStatusCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	ids := []string{c.ID}
	if c.ID == "" {
		if ids, err = d.Store.Runs(); err != nil {
			return err
		}
	}
	list := []runJSON{}
	unreadable := []asideJSON{}
	for _, id := range ids {
		r, err := d.Load(id)
		if err != nil && c.ID != "" {
			return err
		}
		if err != nil {
			unreadable = append(unreadable, asideJSON{ID: id, Error: err.Error()})
			continue
		}
		list = append(list, runDocument(a.lang, r))
	}
	if c.JSON {
		return a.json(map[string]any{"restores": list, "unreadable": unreadable})
	}
	for _, u := range unreadable {
		a.say(lang.M("%s cannot be read: %s", u.ID, u.Error))
		a.say(
			lang.M(
				"    It may be unfinished. Check its folder; if it has ended: opsdeck restore set-aside %s",
				u.ID,
			),
		)
	}
	if len(list)+len(unreadable) == 0 {
		a.say(lang.M("No restores yet."))
	}
	for _, r := range list {
		sayRun(a.printer, r, a.clock.Now())
	}
	return nil
}

// sayRun says of a run what it is, and what is possible now.
func sayRun(p *printer, r runJSON, now time.Time) {
	stage := restore.Stage(r.Stage)
	p.say(lang.M("%s  %s from %s: %s", r.ID, r.Database, r.Backup, stage.Label()))
	p.say(lang.M("    %s", lang.M("step %d of 7, %s, by %s", int(stage.Step()), stage.Step().Label(), r.Operator)))
	for _, w := range r.Why {
		p.say(lang.M("    %s", w))
	}
	open := !stage.Final() && stage != restore.Planned
	switch {
	case open && !r.Running:
		p.say(lang.M("    Its worker has exited. Resume: opsdeck restore resume %s", r.ID))
	case open && r.WaitsSince != nil:
		sayWaiting(p, r, now)
	case open:
		p.say(lang.M("    It is running. Watch it: opsdeck restore attach %s", r.ID))
	}
	if r.Loaded != "" && !open {
		p.say(lang.M("    The loaded data is kept in %s. Resume: opsdeck restore resume %s", r.Loaded, r.ID))
	}
	if len(r.Answers) > 0 {
		p.say(lang.M("    possible now: %s", strings.Join(r.Answers, ", ")))
	}
}

// sayWaiting says since when a run waits for an answer, and what becomes of it
// when nobody comes.
func sayWaiting(p *printer, r runJSON, now time.Time) {
	p.say(
		lang.M(
			"    It has been waiting for an answer since %s (%s). Answer it: opsdeck restore attach %s",
			r.WaitsSince.Local().Format("2006-01-02 15:04:05"),
			human.Duration(now.Sub(*r.WaitsSince).Round(time.Second)),
			r.ID,
		),
	)
	if r.WaitsUntil == nil {
		p.say(lang.M("    It waits until a person answers."))
		return
	}
	p.say(lang.M("    Without an answer, its flags decide at %s.", r.WaitsUntil.Local().Format("15:04:05")))
}

type restoreReportCmd struct{ one }

// Run prints the report as it is known now.
func (c *restoreReportCmd) Run(a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	r, err := d.Load(c.ID)
	if err != nil {
		return err
	}
	account := report.Tell(r.Plan, r.State, lastTime(r, a.clock.Now()))
	if c.JSON {
		return a.json(account)
	}
	return a.plain(account.Markdown(a.lang))
}

func lastTime(r *restorerun.Run, now time.Time) time.Time {
	if n := len(r.Lines); n > 0 && r.State.Stage.Final() {
		return r.Lines[n-1].Time
	}
	return now
}
