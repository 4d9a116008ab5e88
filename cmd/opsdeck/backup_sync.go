package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/remote"
)

type backupSyncCmd struct {
	Copy   string `placeholder:"NAME" help:"This copy alone; else all that are configured."`
	DryRun bool   `help:"Say what would be done, do nothing."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

type (
	backupSyncJSON struct {
		Copies []syncedJSON `json:"copies"`
	}
	syncedJSON struct {
		Name      string       `json:"name"`
		Sent      []string     `json:"sent"`
		SentBytes int64        `json:"sent_bytes"`
		Proved    []string     `json:"proved"`
		Present   int          `json:"present"`
		Failed    []failedJSON `json:"failed"`
		Error     string       `json:"error,omitempty"`
		Emptied   *emptiedJSON `json:"emptied,omitempty"` // most of what was there was gone before this sync
	}
	emptiedJSON struct {
		At   time.Time `json:"at"`
		Had  int       `json:"had"`
		Left int       `json:"left"`
	}
	failedJSON struct {
		Name  string `json:"name"`
		Error string `json:"error"`
	}
)

// Run brings the copies up to date. It ends with 1 when a backup could not be
// brought to one of them.
func (c *backupSyncCmd) Run(a *app) error {
	sh, err := a.shelf()
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := a.writable(); err != nil {
			return err
		}
	}
	copies, err := sh.copies(c.Copy)
	if err != nil {
		return err
	}
	p := a.progress()
	doc := backupSyncJSON{}
	var worst error
	for _, cp := range copies {
		r, err := sh.send(a.ctx, cp, syncing{dry: c.DryRun, byHand: true, report: p.report, warn: sh.note})
		p.done()
		doc.Copies = append(doc.Copies, syncJSON(cp.Name, r, err))
		if !c.JSON && (err == nil || len(r.Sent)+len(r.Proved)+len(r.Failed) > 0) {
			sh.saySent(cp.Name, r, c.DryRun)
		}
		if err == nil && len(r.Failed) > 0 {
			err = ops.E(ops.Failed, lang.M("%d backups could not be brought to the copy %s", len(r.Failed), cp.Name))
		}
		if err == nil && r.Emptied != nil {
			err = emptiedError(cp, *r.Emptied)
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

// copies are the configured copies, or the one that is named.
func (sh *shelf) copies(name string) ([]config.Copy, error) {
	all := sh.service.Backup.Copies
	if name == "" && len(all) > 0 {
		return all, nil
	}
	for _, c := range all {
		if c.Name == name {
			return []config.Copy{c}, nil
		}
	}
	if name != "" {
		return nil, ops.E(ops.Usage, lang.M("no copy %q is configured for %s", name, sh.service.Name))
	}
	return nil, ops.E(ops.Config, lang.M("no copy is configured for %s", sh.service.Name)).
		WithHint(lang.M("add backup.copies to the configuration: name, kind rsync or s3, target"))
}

func (sh *shelf) copier(c config.Copy, dry bool, report func(ops.Progress)) (*remote.Copier, error) {
	store, err := remote.Open(c)
	if err != nil {
		return nil, err
	}
	known, err := backup.ReadCopies(sh.state, places(sh.service.Backup.Copies))
	if err != nil {
		store.Close()
		return nil, ops.Wrap(err, ops.Failed, lang.M("what is known of the copies cannot be read"))
	}
	return &remote.Copier{
		Name:   c.Name,
		Target: placeOf(c),
		Store:  store,
		State:  sh.state,
		Copies: known,
		Now:    sh.clock.Now,
		Report: report,
		DryRun: dry,
	}, nil
}

// syncing is how a copy is brought up to date.
type syncing struct {
	dry    bool
	byHand bool // a person asked for it and sees the result
	report func(ops.Progress)
	warn   func(lang.Msg) // before anything is sent; may be nil
}

// send brings one copy up to date and puts it on record.
func (sh *shelf) send(ctx context.Context, c config.Copy, how syncing) (remote.Result, error) {
	var none remote.Result
	if !how.dry {
		held, err := sh.lock("backup sync")
		if err != nil {
			return none, err
		}
		defer held.Release()
	}
	inv, err := sh.readIn(ctx)
	if err != nil {
		return none, err
	}
	cp, err := sh.copier(c, how.dry, how.report)
	if err != nil {
		return none, err
	}
	defer cp.Store.Close()
	cp.ByHand = how.byHand
	if how.warn != nil {
		cp.Warn = func(e backup.Emptied) { how.warn(emptiedText(c, e)) }
	}
	if how.dry {
		return cp.Send(ctx, inv)
	}
	log, err := sh.oplog()
	if err != nil {
		return none, err
	}
	entry := oplog.Entry{Service: sh.service.Name, Action: "backup.sync", Object: c.Name, Result: oplog.Started}
	if err := log.Record(entry); err != nil {
		return none, err
	}
	r, err := cp.Send(ctx, inv)
	if err == nil {
		_, err = cp.Look(ctx)
	}
	entry.Result = oplog.Done
	entry.Detail = map[string]string{
		"sent":       fmt.Sprint(len(r.Sent)),
		"sent_bytes": fmt.Sprint(r.Bytes),
		"failed":     fmt.Sprint(len(r.Failed)),
	}
	if err != nil {
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	}
	return r, errors.Join(err, log.Record(entry))
}

func syncJSON(name string, r remote.Result, err error) syncedJSON {
	j := syncedJSON{
		Name:      name,
		Sent:      append([]string{}, r.Sent...),
		SentBytes: r.Bytes,
		Proved:    append([]string{}, r.Proved...),
		Present:   r.Present,
		Failed:    []failedJSON{},
	}
	if e := r.Emptied; e != nil {
		j.Emptied = &emptiedJSON{e.At, e.Had, e.Left}
	}
	for _, f := range r.Failed {
		j.Failed = append(j.Failed, failedJSON{f.Name, f.Err.Error()})
	}
	if err != nil {
		j.Error = err.Error()
	}
	return j
}

func (sh *shelf) saySent(name string, r remote.Result, dry bool) {
	if dry {
		sh.say(
			lang.M("%s: would send %d backups, %s; %d are there", name, len(r.Sent), human.Bytes(r.Bytes), r.Present),
		)
		return
	}
	sh.say(
		lang.M(
			"%s: %d sent, %s; %d read back now, %d were there",
			name,
			len(r.Sent),
			human.Bytes(r.Bytes),
			len(r.Sent)+len(r.Proved),
			r.Present,
		),
	)
	for _, f := range r.Failed {
		sh.note(lang.M("  %s: %s", termsafe.Line(f.Name), f.Err.Error()))
	}
}

// pruneCopy shows, and carries out, the retention plan of a copy.
func (c *backupPruneCmd) pruneCopy(sh *shelf) error {
	found, err := sh.copies(c.Copy)
	if err != nil {
		return err
	}
	cp, err := sh.copier(found[0], c.DryRun, nil)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	plan, err := sh.planThere(sh.ctx, cp, found[0], c.Foreign)
	if err != nil {
		return err
	}
	if !c.JSON {
		sh.sayPlan(plan)
	}
	if !c.DryRun {
		err = c.removeThere(sh, cp, plan)
	}
	if c.JSON && (err == nil || len(plan.Blocked) > 0) {
		if err := sh.json(planJSON(plan, !c.DryRun && err == nil)); err != nil {
			return err
		}
	}
	return err
}

func (c *backupPruneCmd) removeThere(sh *shelf, cp *remote.Copier, plan *backup.Plan) error {
	if len(plan.Blocked) == 0 && len(plan.Removes()) == 0 {
		return nil
	}
	if len(plan.Blocked) == 0 {
		if err := sh.confirm(sh.service.Database.Name, c.Confirm, lang.M("%d backups will be removed for good at "+
			"the copy %s.", len(plan.Removes()), cp.Name)); err != nil {
			return err
		}
	}
	out, err := sh.pruneThere(sh.ctx, cp, plan)
	if err == nil && !c.JSON {
		sh.say(
			lang.M(
				"%d removed at %s, %d are locked there, %s free now",
				len(out.Removed),
				cp.Name,
				len(out.Locked),
				human.Bytes(out.Freed),
			),
		)
	}
	return err
}

// planThere is the retention plan of a copy, by its own rule.
func (sh *shelf) planThere(ctx context.Context, cp *remote.Copier, c config.Copy, foreign bool) (*backup.Plan, error) {
	inv, err := cp.Inventory(ctx, sh.scan(c.Target))
	if err != nil {
		return nil, err
	}
	policy := sh.policy()
	policy.Foreign, policy.Keep = foreign, keepAt(sh, c)
	return backup.PlanRetention(inv, policy), nil
}

// pruneThere carries a plan out at a copy and puts it on record.
func (sh *shelf) pruneThere(ctx context.Context, cp *remote.Copier, plan *backup.Plan) (remote.Pruned, error) {
	log, err := sh.oplog()
	if err != nil {
		return remote.Pruned{}, err
	}
	if err := sh.stillFree(plan); err != nil {
		return remote.Pruned{}, err
	}
	entry := oplog.Entry{
		Service: sh.service.Name,
		Action:  "backup.prune",
		Object:  cp.Name,
		Result:  oplog.Started,
		Detail:  map[string]string{"plan": plan.Hash()},
	}
	if err := log.Record(entry); err != nil {
		return remote.Pruned{}, err
	}
	out, err := cp.Prune(ctx, plan)
	if err == nil {
		_, err = cp.Look(ctx)
	}
	entry.Result, entry.Detail["removed"] = oplog.Done, fmt.Sprint(len(out.Removed))
	if err != nil {
		entry.Result, entry.Detail["error"] = oplog.Failed, err.Error()
	}
	return out, errors.Join(err, log.Record(entry))
}
