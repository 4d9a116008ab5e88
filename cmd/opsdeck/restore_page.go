package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

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

// Me is the operator at this console.
func (t tabDesk) Me() string { return t.d.operator() }

// Copies are the names of the configured copies.
func (t tabDesk) Copies() []string {
	var names []string
	for _, c := range t.d.Service.Backup.Copies {
		names = append(names, c.Name)
	}
	return names
}

// Sources are the backups that can be restored, here or at a copy, the newest
// usable one first.
func (t tabDesk) Sources(ctx context.Context, at string) ([]restore.Source, error) {
	inv, err := t.inventory(ctx, at)
	if err != nil {
		return nil, err
	}
	database := t.d.Service.Database.Name
	best, _ := proposal(inv, database)
	var out []restore.Source
	for _, set := range inv.Sets {
		src := t.d.plainSource(set)
		src.Copy = at
		switch {
		case set == best:
			out = slices.Insert(out, 0, src)
		case set.Restorable(database) || set.Foreign:
			out = append(out, src)
		}
	}
	return out, ctx.Err()
}

func (t tabDesk) inventory(ctx context.Context, at string) (*backup.Inventory, error) {
	if at == "" {
		return t.d.Read(t.d.ctx)
	}
	found, err := t.d.Copies(at)
	if err != nil {
		return nil, err
	}
	return t.d.atCopy(ctx, found[0])
}

// Draft makes the plan of a choice.
func (t tabDesk) Draft(ctx context.Context, c restore.Choice) (*restore.Plan, error) {
	return t.d.Draft(ctx, c)
}

// Export writes what a plan will lose to the state folder.
func (t tabDesk) Export(ctx context.Context, p *restore.Plan) (*restore.Plan, error) {
	out, about := *p, *p.Assessment
	out.Assessment = &about
	return &out, t.d.exportLost(ctx, &out, t.d.exportDir(p), func(ops.Progress) {})
}

// Rescue is `restore rescue` of this service, whose output it returns.
func (t tabDesk) Rescue(ctx context.Context, p *restore.Plan, table, merge string) (string, error) {
	var out bytes.Buffer
	flags := *t.d.flags
	flags.Service = t.d.Service.Name
	a := &app{
		ctx: ctx, stdio: stdio{in: strings.NewReader(""), out: &out, err: io.Discard}, getenv: t.d.getenv,
		clock: t.d.clock, lang: t.d.lang, flags: &flags,
	}
	c := restoreRescueCmd{Table: table, From: p.Source.Path, Limit: rescueShown, Merge: merge}
	if merge != "" {
		c.Confirm = t.d.Service.Database.Name // the person typed it
	}
	err := c.Run(a)
	return out.String(), err
}

// rescueShown is how many rows that differ the tab shows.
const rescueShown = 200

// Database is the service's database.
func (t tabDesk) Database() string { return t.d.Service.Database.Name }

// Reach is how close to the present a restore can come: to the server's end of the log
// while it answers and the archive or the server itself continues the backup, else to
// the archive's.
func (t tabDesk) Reach(ctx context.Context) (restore.Reach, error) {
	return t.d.Reach(ctx)
}

// Rewind plans to take a transaction back, or does it.
func (t tabDesk) Rewind(ctx context.Context, txn, hash, conflicts string) (restore.Rewound, error) {
	if hash != "" {
		if err := t.d.writable(); err != nil {
			return restore.Rewound{}, err
		}
	}
	var out bytes.Buffer
	flags := *t.d.flags
	flags.Service = t.d.Service.Name
	a := &app{
		ctx: ctx, stdio: stdio{in: strings.NewReader(""), out: &out, err: &out}, getenv: t.d.getenv,
		clock: t.d.clock, lang: t.d.lang, flags: &flags,
	}
	sh, err := a.shelf()
	if err != nil {
		return restore.Rewound{}, err
	}
	r, err := sh.rewound(txn, hash, conflicts)
	r.Text = out.String()
	return r, err
}

// Begin executes a plan.
func (t tabDesk) Begin(ctx context.Context, p *restore.Plan, typed string) error {
	if err := t.d.writable(); err != nil {
		return err
	}
	_, err := t.d.Begin(ctx, p, typed, nil)
	return err
}

// Work starts a worker on a run, for a person who is here.
func (t tabDesk) Work(ctx context.Context, id string, first restore.Kind) error {
	if err := t.d.writable(); err != nil {
		return err
	}
	if err := t.d.store.Folder(id).Leave(nil); err != nil {
		return err
	}
	return t.d.Work(ctx, id, first)
}

// Run tells how a run of this service stands. Who looks at one that asks may
// answer: it waits for that.
func (t tabDesk) Run(_ context.Context, id string) (*restore.Run, error) {
	r, err := t.newest(id)
	if err == nil && r != nil && r.Alive && r.State.Stage.Asks() && t.d.writable() == nil {
		r.Folder.Attend()
	}
	return r, err
}

// newest loads a run, or the newest of this service.
func (t tabDesk) newest(id string) (*restore.Run, error) {
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
		if r.Plan.Service == t.d.Service.Name && r.State.Stage != restore.Planned {
			return r, nil
		}
	}
	return nil, nil
}

// Later counts what was written since a restore.
func (t tabDesk) Later(ctx context.Context, r *restore.Run) (restore.Loss, error) {
	return t.d.later(ctx, r)
}

// Send hands a request to the worker of a run, or to a new one where it has ended.
func (t tabDesk) Send(ctx context.Context, id string, q restore.Request) error {
	if err := t.d.writable(); err != nil {
		return err
	}
	r, err := t.d.store.Load(id)
	if err != nil {
		return errors.Join(restore.ErrNoRun, err)
	}
	if r.State.Stage.Final() {
		err = r.Folder.Leave(nil)
	}
	if err != nil {
		return err
	}
	q.Event.By = t.d.operator()
	return t.d.hand(ctx, id, q)
}
