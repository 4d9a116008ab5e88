package restores

import (
	"context"
	"errors"
	"fmt"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Begin saves the plan and starts its worker. typed is what the operator typed:
// the target database's name; alone is what to answer when nobody is there, nil
// when a person will be.
func (d *Desk) Begin(
	ctx context.Context,
	p *restore.Plan,
	typed string,
	alone *run.Unattended,
) (run.Folder, error) {
	switch {
	case typed != p.Target.Database:
		return run.Folder{}, ops.Wrap(
			restore.ErrTyped,
			ops.Usage,
			lang.M("That is not the name. Nothing was done."),
		)
	case p.Blocked():
		return run.Folder{}, Blocked(p)
	case !p.Intact():
		return run.Folder{}, restore.ErrPlanChanged
	}
	if err := d.Vacant(ctx, p.Target); err != nil {
		return run.Folder{}, err
	}
	f, err := d.Store.Save(p)
	if err == nil {
		err = f.Leave(alone)
	}
	if err != nil {
		return f, err
	}
	return f, d.Work(ctx, p.ID, restore.KindBegin)
}

func Blocked(p *restore.Plan) error {
	for _, f := range p.Findings {
		if f.Blocks {
			return ops.E(ops.Failed, f.What.Msg).WithHint(f.Hint.Msg)
		}
	}
	return errors.New("blocked")
}

// record writes what a run does to the record of operations.
func record(log *oplog.Log, p *restore.Plan, action, result string, detail map[string]string) error {
	if detail == nil {
		detail = map[string]string{}
	}
	detail["restore"], detail["backup"], detail["mode"] = p.ID, p.Source.Name, string(p.Mode)
	return log.Record(
		oplog.Entry{
			Service: p.Service,
			Action:  "restore." + action,
			Object:  p.Target.Database,
			Result:  result,
			Detail:  detail,
		},
	)
}

// hand gives a request to the run's worker, or to a new one when it has none. A
// worker whose run is over takes nothing more: its end is waited for.
func (d *Desk) Hand(ctx context.Context, id string, q run.Request) error {
	for {
		r, err := d.Store.Load(id)
		switch {
		case err != nil:
			return err
		case !r.Alive && q.Event.Kind == restore.KindUndo:
			if err := Covered(d, r); err != nil {
				return err
			}
			return d.Work(ctx, id, q.Event.Kind)
		case !r.Alive:
			return d.Work(ctx, id, q.Event.Kind)
		case !r.State.Stage.Final():
			return r.Folder.Send(q)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startWait is how long a worker may take until it holds its lock.
const startWait = time.Minute

// Work starts a worker of its own session on a run and waits until it is at it.
func (d *Desk) Work(ctx context.Context, id string, first restore.Kind) error {
	f := d.Store.Folder(id)
	before, err := run.ReadJournal(f.JournalPath())
	if err != nil {
		return err
	}
	exited, err := d.spawn(f, id, first)
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	deadline := time.After(startWait)
	for {
		lines, err := run.ReadJournal(f.JournalPath())
		if err != nil || len(lines) > len(before) {
			return err
		}
		select {
		case err := <-exited:
			if lines, _ := run.ReadJournal(f.JournalPath()); len(lines) > len(before) {
				return nil
			}
			return workerError(f, err)
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			return ops.E(ops.Failed, lang.M("the worker did not start within %s", startWait.String())).
				WithHint(lang.M("see %s", f.WorkerLog()))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Load is the run of that id, or with none the newest, for a person who named it.
func (d *Desk) Load(id string) (*run.Run, error) {
	var err error
	if id == "" {
		id, err = newestID(d)
	}
	var r *run.Run
	if err == nil {
		r, err = d.Store.Load(id)
	}
	if errors.Is(err, run.ErrNoRun) && id == "" {
		return nil, ops.E(ops.Usage, lang.M("there is no restore yet"))
	}
	if errors.Is(err, run.ErrNoRun) {
		return nil, ops.E(ops.Usage, lang.M("there is no such restore")).
			WithHint(lang.M("list them: opsdeck restore status"))
	}
	if id != "" && err != nil && ops.CodeOf(err) == ops.Failed {
		return nil, run.OpenRun{ID: id, Err: err}.Unreadable()
	}
	if err != nil {
		return nil, err
	}
	return r, owned(d, r.Plan)
}
