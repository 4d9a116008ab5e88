package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	restorerun "opsdeck/ops/restore/run"
	"opsdeck/ops/site"
	"opsdeck/ops/site/restores"
)

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
	waitsThen  lang.Msg   // with this
	Kept       bool       `json:"undo_possible"`
	Loaded     string     `json:"loaded_schema,omitempty"`    // what was loaded of a run that was given up
	Remains    string     `json:"remaining_schema,omitempty"` // what an aborted run could not remove
	NoUndo     string     `json:"why_no_undo,omitempty"`
	Report     string     `json:"report,omitempty"`
	Unstarted  bool       `json:"unstarted,omitempty"` // its worker never began; Why tells what it said
}

// runDocument is a run for programs.
func runDocument(l *lang.Printer, r *restorerun.Run) runJSON {
	out := runJSON{
		ID:         r.Plan.ID,
		Service:    r.Plan.Service,
		Database:   r.Plan.Target.Database,
		Backup:     r.Plan.Source.Name,
		RestoredTo: r.Plan.Source.At,
		Mode:       string(r.Plan.Mode),
		Stage:      string(r.State.Stage),
		Step:       r.State.Stage.Step().Name(),
		Result:     r.State.Result(),
		Running:    r.Alive,
		Operator:   r.Plan.Operator,
		Kept:       r.State.Kept && r.State.Swapped && r.NoUndo.Empty(), // what is undone keeps its old tables, too
		Report:     r.State.Data.Report,
	}
	for _, k := range r.Answers() {
		out.Answers = append(out.Answers, string(k))
	}
	if (r.Open() || r.State.Loaded && r.State.Stage.Final()) && !r.Alive {
		out.Answers = append(out.Answers, string(restore.KindResume))
	}
	if !r.NoUndo.Empty() {
		out.NoUndo = l.Msg(r.NoUndo)
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
			out.waitsThen = r.State.Label(w.Then)
		}
	} else if pr := r.Progress; pr != nil && r.Alive && pr.Waits != "" {
		out.WaitsFor = []string{pr.Waits}
	}
	if why, ok := r.Unstarted(); ok {
		out.Unstarted = true
		if why != "" {
			out.Why = append(out.Why, why)
		}
	}
	if r.State.Loaded {
		out.Loaded = r.Plan.Shadow
	}
	if r.State.Remains {
		out.Remains = r.Plan.Shadow
	}
	if len(r.State.Trail) > 0 {
		out.BeganAt = &r.State.Trail[0].Begin
	}
	return out
}

// Run shows one run, or all.
func (c *restoreStatusCmd) Run(ctx context.Context, a *app) error {
	d, err := a.desk()
	if err != nil {
		return err
	}
	ids := []string{c.ID}
	if c.ID == "" {
		if ids, err = restores.Runs(d); err != nil {
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
		doc := runDocument(a.lang, r)
		if restores.Covered(d, r) != nil {
			doc.Answers = slices.DeleteFunc(doc.Answers, func(s string) bool { return s == string(restore.KindUndo) })
		}
		list = append(list, doc)
	}
	if c.JSON {
		return a.json(map[string]any{"restores": list, "unreadable": unreadable, "rewinds": c.rewinds(d)})
	}
	for _, u := range unreadable {
		a.say(lang.M("%s cannot be read: %s", u.ID, u.Error))
		a.say(lang.M("    It may be unfinished. Check its folder; if it has ended: opsdeck restore set-aside %s", u.ID))
	}
	if len(list)+len(unreadable)+len(c.rewinds(d)) == 0 {
		a.say(lang.M("No restores yet."))
	}
	if c.ID == "" {
		sayOtherWork(ctx, a, d, slices.ContainsFunc(list, func(r runJSON) bool {
			stage := restore.Stage(r.Stage)
			return r.Database == d.Service.Database.Name && !stage.Final() && stage != restore.Planned
		}))
	}
	sayRewinds(a.printer, c.rewinds(d))
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
	case r.Unstarted:
		p.say(lang.M("    Its worker did not start; nothing was changed. Restore again: opsdeck restore"))
		p.say(lang.M("    Remove it from this list: opsdeck restore set-aside %s", r.ID))
	case open && !r.Running:
		p.say(lang.M("    Its worker has exited. Resume: opsdeck restore resume %s", r.ID))
	case open && r.WaitsSince != nil:
		sayWaiting(p, r, now)
	case open:
		p.say(lang.M("    It is running. Watch it: opsdeck restore attach %s", r.ID))
		for _, w := range r.WaitsFor {
			p.say(lang.M("    %s", w))
		}
	}
	if r.Loaded != "" && !open {
		p.say(lang.M("    The loaded data is kept in %s. Resume: opsdeck restore resume %s", r.Loaded, r.ID))
	}
	if r.NoUndo != "" {
		p.say(lang.M("    %s", r.NoUndo))
	}
	if r.Remains != "" && !open {
		p.say(lang.M("    The database %s could not be removed. Remove it: opsdeck restore drop-old %s", r.Remains,
			r.ID))
	}
	if len(r.Answers) > 0 {
		p.say(lang.M("    possible now: %s", strings.Join(r.Answers, ", ")))
	}
}

// sayWaiting says since when a run waits for an answer, and what becomes of it
// when nobody comes.
func sayWaiting(p *printer, r runJSON, now time.Time) {
	p.say(lang.M("    It has been waiting for an answer since %s (%s). Answer it: opsdeck restore attach %s",
		r.WaitsSince.Local().Format("2006-01-02 15:04:05"), human.Duration(now.Sub(*r.WaitsSince).Round(time.Second)),
		r.ID))
	if r.WaitsUntil == nil {
		p.say(lang.M("    It waits until a person answers."))
		return
	}
	p.say(lang.M("    Without an answer, its flags decide at %s: %s.", r.WaitsUntil.Local().Format("15:04:05"),
		r.waitsThen))
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
	account := r.Account(a.clock.Now())
	if c.JSON {
		return a.json(account)
	}
	return a.plain(account.Markdown(a.lang))
}

// sayOtherWork tells of a restore that this state folder does not know. ours tells that it
// knows an unfinished one: then a database that is half loaded is no other's.
func sayOtherWork(ctx context.Context, a *app, d *restores.Desk, ours bool) {
	if d.Working() {
		return
	}
	e := site.AskElsewhere(ctx, d.Service.Database)
	e.Loading = e.Loading && (!ours || e.Claim != nil)
	err := cmp.Or(e.Refusal(d.Service.Database.Name), e.Claim)
	if err == nil {
		return
	}
	known := a.explain(err)
	a.note(lang.Raw(site.Sentence(a.lang, known)))
	if !known.Hint.Empty() {
		a.note(lang.M("  → %s", known.Hint))
	}
}
