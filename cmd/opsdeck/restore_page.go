package main

import (
	"context"
	"errors"
	"slices"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
	"opsdeck/tui/page"
	"opsdeck/tui/restoreview"
)

// restorePage is the Restore tab of a service.
func (a *app) restorePage(env *page.Env, s *config.Service) (*restoreview.Page, error) {
	d, err := a.deskOf(s)
	if err != nil {
		return nil, err
	}
	return restoreview.New(env, tabDesk{d}), nil
}

// tabDesk is the desk as the tab uses it.
type tabDesk struct{ d *desk }

// Sources are the backups that can be restored, the newest usable one first.
func (t tabDesk) Sources(ctx context.Context) ([]restore.Source, error) {
	inv, err := t.d.read()
	if err != nil {
		return nil, err
	}
	best := backup.NewestUsable(inv, t.d.service.Database.Name)
	var out []restore.Source
	for _, set := range inv.Sets {
		if !set.Restorable(t.d.service.Database.Name) && !set.Foreign {
			continue
		}
		if set == best {
			continue
		}
		out = append(out, restore.Source{Name: set.Name, Path: set.Path, Kind: set.Kind, State: string(set.State), SizeBytes: set.Size, At: set.At})
	}
	if best != nil {
		out = slices.Insert(out, 0, restore.Source{Name: best.Name, Path: best.Path, Kind: best.Kind, State: string(best.State), SizeBytes: best.Size, At: best.At})
	}
	return out, ctx.Err()
}

// Draft makes the plan of a choice.
func (t tabDesk) Draft(ctx context.Context, c restore.Choice) (*restore.Plan, error) {
	return t.d.Draft(ctx, c)
}

// Begin executes a plan.
func (t tabDesk) Begin(ctx context.Context, p *restore.Plan, typed string) error {
	if err := t.d.writable(); err != nil {
		return err
	}
	_, err := t.d.Begin(ctx, p, typed)
	return err
}

// Work starts a worker on a run.
func (t tabDesk) Work(ctx context.Context, id string, first restore.Kind) error {
	if err := t.d.writable(); err != nil {
		return err
	}
	return t.d.Work(ctx, id, first)
}

// Run tells how a run of this service stands.
func (t tabDesk) Run(_ context.Context, id string) (*restore.Run, error) {
	if id != "" {
		return t.d.store.Load(id)
	}
	ids, err := t.d.store.Runs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := t.d.store.Load(id)
		if err != nil {
			return nil, ops.Wrap(err, ops.Failed, lang.M("the restore %s cannot be read", id))
		}
		if r.Plan.Service == t.d.service.Name && r.State.Stage != restore.Planned {
			return r, nil
		}
	}
	return nil, nil
}

// Send leaves a request for the worker.
func (t tabDesk) Send(_ context.Context, id string, q restore.Request) error {
	if err := t.d.writable(); err != nil {
		return err
	}
	if _, err := t.d.store.Load(id); err != nil {
		return errors.Join(restore.ErrNoRun, err)
	}
	q.Event.By = t.d.operator()
	return t.d.store.Folder(id).Send(q)
}
