package main

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/remote"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
)

type backupSyncCmd struct {
	Copy   string `placeholder:"NAME" help:"Only this copy (default: all configured copies)."`
	DryRun bool   `help:"Show what would be done, do nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

type (
	backupSyncJSON struct {
		Copies []syncedJSON `json:"copies"`
	}
	syncedJSON struct {
		Name      string        `json:"name"`
		Sent      []string      `json:"sent"`
		SentBytes int64         `json:"sent_bytes"`
		Proved    []string      `json:"proved"`
		Present   int           `json:"present"`
		Failed    []failedJSON  `json:"failed"`
		NotKept   []notKeptJSON `json:"not_kept"`   // not sent: the copy's retention would remove them
		Unproved  []string      `json:"unverified"` // not sent: not verified on this machine
		Error     string        `json:"error,omitempty"`
		Binlog    *logsJSON     `json:"binlog,omitempty"`  // absent: none is archived here
		Emptied   *emptiedJSON  `json:"emptied,omitempty"` // most of what was there was gone before this sync
	}
	logsJSON struct {
		Sent      int        `json:"sent"` // pieces
		SentBytes int64      `json:"sent_bytes"`
		Lost      int        `json:"lost"`    // pieces that somebody else removed there
		ToTime    *time.Time `json:"to_time"` // the copy reaches there; null: nowhere
	}
	emptiedJSON struct {
		At   time.Time `json:"at"`
		Had  int       `json:"had"`
		Left int       `json:"left"`
	}
	notKeptJSON struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	}
	failedJSON struct {
		Name  string `json:"name"`
		Error string `json:"error"`
	}
)

// Run brings the copies up to date. It ends with 1 when a backup could not be
// brought to one of them. All of them are a run of the job, whose check is told.
func (c *backupSyncCmd) Run(ctx context.Context, a *app) error {
	if c.Copy != "" || c.DryRun || a.flags.ReadOnly {
		return c.run(ctx, a)
	}
	return asJob(ctx, a, backups.PingSync, c.run)
}

func (c *backupSyncCmd) run(ctx context.Context, a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if err := a.mayChange(c.DryRun); err != nil {
		return err
	}
	copies, err := sh.Offsite().Copies(c.Copy)
	if err != nil {
		return err
	}
	p := a.progress()
	doc := backupSyncJSON{}
	var worst error
	for _, cp := range copies {
		how := backups.Syncing{Dry: c.DryRun, ByHand: true, Report: p.report, Warn: sh.note}
		r, err := sh.Offsite().Send(ctx, cp, how)
		p.done()
		doc.Copies = append(doc.Copies, syncJSON(cp.Name, r, err))
		if !c.JSON && (err == nil || len(r.Sent)+len(r.Proved)+len(r.Failed) > 0) {
			saySent(sh, cp.Name, r, c.DryRun)
		}
		if err == nil && len(r.Failed) > 0 {
			err = notSent(cp.Name, r)
		}
		if err == nil && r.Emptied != nil {
			err = backups.EmptiedError(cp, *r.Emptied)
		}
		if err != nil {
			worst = err
		}
	}
	if c.JSON {
		if err := a.json(doc); err != nil {
			return err
		}
	}
	return worst
}

// notSent is the error of a sync that could not bring every backup to the copy.
func notSent(name string, r remote.Result) error {
	err := ops.E(ops.Failed, lang.M("%d backups could not be sent to the copy %s", len(r.Failed), name))
	if len(r.Others()) > 0 {
		err = err.WithHint(backups.OwnFolderHint(name))
	}
	return err
}

func syncJSON(name string, r remote.Result, err error) syncedJSON {
	j := syncedJSON{
		Name:      name,
		Sent:      r.Sent,
		SentBytes: r.Bytes,
		Proved:    r.Proved,
		Present:   r.Present,
	}
	for _, s := range r.Unproved {
		j.Unproved = append(j.Unproved, s.Name)
	}
	for _, s := range r.Left {
		j.NotKept = append(j.NotKept, notKeptJSON{s.Set.Name, s.Reasons[0].Text.String()})
	}
	if e := r.Emptied; e != nil {
		j.Emptied = &emptiedJSON{e.At, e.Had, e.Left}
	}
	if l := r.Logs; l != nil {
		j.Binlog = &logsJSON{Sent: l.Pieces, SentBytes: l.Bytes, Lost: l.Lost, ToTime: timeOrNull(l.Reaches)}
	}
	for _, f := range r.Failed {
		j.Failed = append(j.Failed, failedJSON{f.Name, f.Err.Error()})
	}
	if err != nil {
		j.Error = err.Error()
	}
	return j
}

func saySent(sh *shelf, name string, r remote.Result, dry bool) {
	defer sayLogsSent(sh, name, r.Logs, dry)
	defer sayNotKept(sh, name, r.Left)
	defer sayUnproved(sh, name, r.Unproved)
	defer sayFailed(sh, r.Failed)
	if dry {
		sh.say(
			lang.M("%s: would send %d backups, %s; %d are there", name, len(r.Sent), human.Bytes(r.Bytes), r.Present),
		)
		return
	}
	sh.say(lang.M("%s: %d sent, %s; %d verified now, %d already there", name, len(r.Sent), human.Bytes(r.Bytes),
		len(r.Sent)+len(r.Proved), r.Present))
}

// sayUnproved names the backups that were not sent because nobody verified them here.
func sayUnproved(sh *shelf, name string, sets []*backup.Set) {
	if len(sets) == 0 {
		return
	}
	sh.note(lang.M("%s: %d unverified and not sent; verify them first: %s", name, len(sets), "opsdeck backup verify"))
	for _, s := range sets {
		sh.note(lang.M("  %s", termsafe.Line(s.Name)))
	}
}

// sayFailed names the backups that could not be sent, with the reasons.
func sayFailed(sh *shelf, failed []remote.Failure) {
	for _, f := range failed {
		sh.note(lang.M("  %s: %s", termsafe.Line(f.Name), site.Sentence(sh.lang, sh.Explain(f.Err))))
	}
}

// sayNotKept says what was not sent because the copy's own retention would remove it.
func sayNotKept(sh *shelf, name string, left []backup.Step) {
	if len(left) == 0 {
		return
	}
	sh.say(lang.M("%s: %d not sent, its retention would remove them:", name, len(left)))
	for _, s := range left {
		sh.say(lang.M("  %s: %s", termsafe.Line(s.Set.Name), s.Reasons[0].Text))
	}
}

// sayLogsSent says what of the binary log came to a copy.
func sayLogsSent(sh *shelf, name string, l *remote.LogsSent, dry bool) {
	switch {
	case l == nil:
	case dry:
		sh.say(lang.M("%s: would send %s of the binlog", name, human.Bytes(l.Bytes)))
	case l.Reaches.IsZero():
		sh.say(lang.M("%s: no binlog is there", name))
	default:
		sh.say(lang.M("%s: %s of the binlog sent; it reaches %s there", name, human.Bytes(l.Bytes), sh.when(l.Reaches)))
	}
}

// pruneCopy shows, and carries out, the retention plan of a copy.
func (c *backupPruneCmd) pruneCopy(ctx context.Context, sh *shelf) error {
	found, cp, err := sh.Offsite().Open(c.Copy, c.DryRun)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	plan, err := sh.Offsite().PlanThere(ctx, cp, found, c.Foreign)
	if err != nil {
		return err
	}
	if !c.JSON {
		sh.sayPlan(plan)
	}
	if !c.DryRun {
		err = c.removeThere(ctx, sh, cp, plan)
	}
	if !c.DryRun && err == nil {
		err = sh.Offsite().PruneLogsThere(ctx, cp, found)
	}
	if c.JSON && (err == nil || len(plan.Blocked) > 0) {
		if err := sh.json(planJSON(plan, !c.DryRun && err == nil)); err != nil {
			return err
		}
	}
	return err
}

func (c *backupPruneCmd) removeThere(ctx context.Context, sh *shelf, cp *remote.Copier, plan *backup.Plan) error {
	if len(plan.Blocked) == 0 && len(plan.Removes()) == 0 {
		return nil
	}
	if len(plan.Blocked) == 0 {
		if err := sh.confirm(ctx, sh.Service.Database.Name, c.Confirm, lang.M("%d backups will be removed "+
			"permanently from the copy %s.", len(plan.Removes()), cp.Name)); err != nil {
			return err
		}
	}
	out, err := sh.Offsite().PruneThere(ctx, cp, plan)
	if err == nil && !c.JSON {
		sh.say(lang.M("%d removed at %s, %d are locked there, %s freed", len(out.Removed), cp.Name, len(out.Locked),
			human.Bytes(out.Freed)))
	}
	return err
}
