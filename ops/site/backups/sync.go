package backups

import (
	"context"
	"errors"
	"fmt"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/redact"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/remote"
	"opsdeck/ops/site"
)

// Copies are the configured copies, or the named one.
func (sh Offsite) Copies(name string) ([]config.Copy, error) {
	all := sh.Service.Backup.Copies
	if name == "" && len(all) > 0 {
		return all, nil
	}
	for _, c := range all {
		if c.Name == name {
			return []config.Copy{c}, nil
		}
	}
	if name != "" {
		return nil, ops.E(ops.Usage, lang.M("no copy %q is configured for %s", name, sh.Service.Name))
	}
	return nil, ops.E(ops.Config, lang.M("no copy is configured for %s", sh.Service.Name)).
		WithHint(lang.M("add backup.copies to the configuration: name, kind rsync or s3, target"))
}

// Open opens one copy by its name; "" is the first. The caller closes the Copier's Store.
func (sh Offsite) Open(name string, dry bool) (config.Copy, *remote.Copier, error) {
	found, err := sh.Copies(name)
	if err != nil {
		return config.Copy{}, nil, err
	}
	cp, err := sh.Copier(found[0], dry, nil)
	return found[0], cp, err
}

// Copier opens a copy. The caller closes its store.
func (sh Offsite) Copier(c config.Copy, dry bool, report func(ops.Progress)) (*remote.Copier, error) {
	store, err := remote.Open(c)
	if err != nil {
		return nil, err
	}
	known, err := backup.ReadCopies(sh.StateDir, places(sh.Service.Backup.Copies))
	if err != nil {
		store.Close()
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
	}
	return &remote.Copier{
		Name:   c.Name,
		Target: PlaceOf(c),
		Store:  store,
		State:  sh.StateDir,
		Copies: known,
		Now:    sh.Clock.Now,
		Report: report,
		DryRun: dry,
	}, nil
}

// Syncing are the options for updating a copy.
type Syncing struct {
	Dry    bool
	ByHand bool // a person started it and sees the result
	Report func(ops.Progress)
	Warn   func(lang.Msg) // called before sending; may be nil
}

// Send updates one copy and records it. How it ended is remembered for Status.
func (sh Offsite) Send(ctx context.Context, c config.Copy, how Syncing) (remote.Result, error) {
	if how.Dry {
		return sh.send(ctx, c, how)
	}
	held, err := sh.Lock("backup sync")
	if err != nil {
		return remote.Result{}, err
	}
	defer held.Release()
	r, err := sh.send(ctx, c, how)
	if ctx.Err() != nil {
		return r, err // it says nothing of the copy
	}
	done := backup.Synced{Copy: c.Name, Target: PlaceOf(c), At: sh.Clock.Now()}
	switch {
	case err != nil:
		done.Error = redact.Text(site.Sentence(lang.English(), sh.Explain(err)))
	case len(r.Failed) > 0:
		done.Error = redact.Text(r.Failed[0].Name + ": " + r.Failed[0].Err.Error())
	}
	return r, errors.Join(err, backup.WriteSynced(sh.StateDir, done))
}

func (sh Offsite) send(ctx context.Context, c config.Copy, how Syncing) (remote.Result, error) {
	var none remote.Result
	inv, err := sh.Read(ctx)
	if err != nil {
		return none, err
	}
	cp, err := sh.Copier(c, how.Dry, how.Report)
	if err != nil {
		return none, err
	}
	defer cp.Store.Close()
	cp.ByHand = how.ByHand
	cp.Choose = func(there backup.Listing) ([]*backup.Set, []backup.Step) {
		return sh.chosen(c, inv, there, cp.Copies)
	}
	if how.Warn != nil {
		cp.Warn = func(e backup.Emptied) { how.Warn(EmptiedText(c, e)) }
	}
	var r remote.Result
	if how.Dry {
		return sh.sendBoth(ctx, cp, c, inv, how)
	}
	entry := oplog.Entry{Action: "backup.sync", Object: c.Name}
	err = sh.Record(ctx, entry, func(ctx context.Context, detail map[string]string) (err error) {
		r, err = sh.sendBoth(ctx, cp, c, inv, how)
		if r.Logs != nil {
			detail["binlog_bytes"] = fmt.Sprint(r.Logs.Bytes)
		}
		detail["sent"] = fmt.Sprint(len(r.Sent))
		detail["sent_bytes"] = fmt.Sprint(r.Bytes)
		detail["failed"] = fmt.Sprint(len(r.Failed))
		if len(r.Left) > 0 {
			detail["not_kept"] = fmt.Sprint(len(r.Left))
		}
		return err
	})
	return r, err
}

// sendBoth sends the backups, then the binlog that continues them.
func (sh Offsite) sendBoth(ctx context.Context, cp *remote.Copier, c config.Copy, inv *backup.Inventory,
	how Syncing) (remote.Result, error) {
	r, err := cp.Send(ctx, inv)
	if err != nil {
		return r, err
	}
	listing, err := cp.Look(ctx)
	if err != nil {
		return r, err
	}
	oldest, at, err := sh.oldestThere(ctx, cp, c, listing)
	if err != nil {
		return r, err
	}
	if r.Logs, err = sh.sendLogs(ctx, c, how, oldest, at); err != nil {
		return r, ops.Wrap(err, ops.CodeOf(err), lang.M("the binlog could not be copied to %s", c.Name))
	}
	if r.Logs != nil && r.Logs.Lost > 0 && how.Warn != nil {
		how.Warn(lang.M("%d pieces of the binlog are missing at the copy %s; opsdeck did not remove them",
			r.Logs.Lost, c.Name))
	}
	return r, nil
}

// PlanThere is a copy's retention plan, by its own rule.
func (sh Offsite) PlanThere(ctx context.Context, cp *remote.Copier, c config.Copy, foreign bool) (*backup.Plan, error) {
	inv, err := cp.Inventory(ctx, sh.Scan(c.Target))
	if err != nil {
		return nil, err
	}
	policy := sh.policyAt(c)
	policy.Foreign = foreign
	return backup.PlanRetention(inv, policy), nil
}

// PruneThere executes a plan at a copy and records it.
func (sh Offsite) PruneThere(ctx context.Context, cp *remote.Copier, plan *backup.Plan) (remote.Pruned, error) {
	var out remote.Pruned
	if err := sh.Pruner().stillFree(ctx, plan); err != nil {
		return out, err
	}
	entry := oplog.Entry{Action: "backup.prune", Object: cp.Name, Detail: map[string]string{"plan": plan.Hash()}}
	err := sh.Record(ctx, entry, func(ctx context.Context, detail map[string]string) (err error) {
		if out, err = cp.Prune(ctx, plan); err == nil {
			_, err = cp.Look(ctx)
		}
		detail["removed"] = fmt.Sprint(len(out.Removed))
		return err
	})
	return out, err
}
