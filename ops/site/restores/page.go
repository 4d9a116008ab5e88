package restores

import (
	"context"
	"errors"
	"slices"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/binlog"
	"opsdeck/ops/restore"
	"opsdeck/ops/restore/run"
)

// Page is the desk as the Restore tab uses it.
type Page struct {
	*Desk
	Verbs Verbs
}

// Verbs are two commands whose output the tab shows, in the language of a printer.
type Verbs struct {
	Rescue func(ctx context.Context, l *lang.Printer, p *restore.Plan, table, merge string) (restore.RescueShown, error)
	Rewind func(ctx context.Context, l *lang.Printer, txn, hash, conflicts string) (restore.Rewound, error)
}

// Rescue compares a table with its copy in the plan's backup; merge says which rows are put
// into the live one, "" none.
func (t Page) Rescue(ctx context.Context, l *lang.Printer, p *restore.Plan, table, merge string) (
	restore.RescueShown, error) {
	return t.Verbs.Rescue(ctx, l, p, table, merge)
}

// Rewind plans to take a transaction back; with the hash of that plan it does it.
func (t Page) Rewind(ctx context.Context, l *lang.Printer, txn, hash, conflicts string) (restore.Rewound, error) {
	if hash != "" {
		if err := t.Writable(); err != nil {
			return restore.Rewound{}, err
		}
	}
	return t.Verbs.Rewind(ctx, l, txn, hash, conflicts)
}

// Me is the operator at this console.
func (t Page) Me() string { return t.Operator() }

// Copies are the names of the configured copies.
func (t Page) Copies() []string {
	var names []string
	for _, c := range t.Service.Backup.Copies {
		names = append(names, c.Name)
	}
	return names
}

// Sources are the backups that can be restored, here or at a copy, the newest
// usable one first.
func (t Page) Sources(ctx context.Context, at string) ([]restore.Source, error) {
	inv, err := t.inventory(ctx, at)
	if err != nil {
		return nil, err
	}
	database := t.Service.Database.Name
	best, _ := proposal(inv, database)
	shrinks := inv.Shrinks()
	var out []restore.Source
	for _, set := range inv.Sets {
		src := t.Finder().plainSource(set)
		src.Copy = at
		if shrink, ok := shrinks.Of(set); ok {
			src.PassedOver = []restore.Note{restore.N(shrink.Text())}
		}
		switch {
		case set == best:
			out = slices.Insert(out, 0, src)
		case set.Whole(database) || set.Foreign:
			out = append(out, src)
		}
	}
	return out, ctx.Err()
}

func (t Page) inventory(ctx context.Context, at string) (*backup.Inventory, error) {
	if at == "" {
		return t.Shelf.Read(ctx)
	}
	found, err := t.Shelf.Offsite().Copies(at)
	if err != nil {
		return nil, err
	}
	return t.Finder().atCopy(ctx, found[0])
}

// Export writes what a plan will lose to the state folder.
func (t Page) Export(ctx context.Context, p *restore.Plan) (*restore.Plan, error) {
	out, about := *p, *p.Assessment
	out.Assessment = &about
	return &out, t.ExportLost(ctx, &out, t.exportDir(p), func(ops.Progress) {})
}

// Database is the service's database.
func (t Page) Database() string { return t.Service.Database.Name }

// Reach is how close to the present a restore can come: to the server's end of the log
// while it answers and the archive or the server itself continues the backup, else to
// the archive's.
func (t Page) Reach(ctx context.Context) (restore.Reach, error) {
	inv, err := t.Shelf.ReadOrNone(ctx)
	if err != nil {
		return restore.Reach{Now: t.Clock.Now()}, err
	}
	set, _ := proposal(inv, t.Service.Database.Name)
	return t.Shelf.Binlog().Reach(ctx, set)
}

// CanRollTo is an error where no backup here that was made before a transaction is
// continued by the binary log up to it.
func (t Page) CanRollTo(ctx context.Context, txn *binlog.Transaction) error {
	inv, err := t.Shelf.ReadOrNone(ctx)
	if err != nil {
		return err
	}
	for _, set := range inv.Sets {
		if !set.Restorable(t.Service.Database.Name) || set.Foreign || set.State == backup.Bad ||
			set.At.After(txn.Time.Add(time.Second)) { // the log's times may be whole seconds
			continue
		}
		ahead, err := t.Shelf.Binlog().Ahead(ctx, set)
		if err == nil && (ahead.Live || !ahead.To.Before(txn.Time)) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return ops.E(ops.Failed, lang.M("no earlier backup is continued by the binlog"))
}

// Begin executes a plan.
func (t Page) Begin(ctx context.Context, p *restore.Plan, typed string) error {
	if err := t.Writable(); err != nil {
		return err
	}
	_, err := t.Desk.Begin(ctx, p, typed, nil)
	return err
}

// Work starts a worker on a run, for a person who is here. A drop is refused where tables
// would be lost that the database lacks.
func (t Page) Work(ctx context.Context, id string, first restore.Kind) error {
	if err := t.Writable(); err != nil {
		return err
	}
	if first == restore.KindDrop {
		if err := t.mayDrop(ctx, id); err != nil {
			return err
		}
	}
	if err := t.Store.Folder(id).Leave(nil); err != nil {
		return err
	}
	return t.Desk.Work(ctx, id, first)
}

func (t Page) mayDrop(ctx context.Context, id string) error {
	r, err := t.Load(id)
	if err != nil {
		return err
	}
	found, err := t.Doomed(ctx, r)
	if err != nil {
		return err
	}
	return found.Refuses(r.Plan, r.State, nil)
}

// Run returns the state of a run of this service. Who looks at one that asks may
// answer: it waits for that.
func (t Page) Run(_ context.Context, id string) (*run.Run, error) {
	r, err := t.newest(id)
	if err == nil && r != nil && r.Alive && r.State.Stage.Asks() && t.Writable() == nil {
		r.Folder.Attend()
	}
	return r, err
}

// newest loads a run, or the newest of this service.
func (t Page) newest(id string) (*run.Run, error) {
	if id != "" {
		return t.Store.Load(id)
	}
	ids, err := t.Store.Runs()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := t.Store.Load(id)
		if err != nil {
			return nil, ops.Wrap(err, ops.Failed, lang.M("the restore %s cannot be read", id))
		}
		if ours(t.Desk, r.Plan) && r.State.Stage != restore.Planned {
			return r, nil
		}
	}
	return nil, nil
}

// Send hands a request to the worker of a run, or to a new one where it has ended.
func (t Page) Send(ctx context.Context, id string, q run.Request) error {
	if err := t.Writable(); err != nil {
		return err
	}
	r, err := t.Store.Load(id)
	if err != nil {
		return errors.Join(run.ErrNoRun, err)
	}
	if !r.Alive {
		err = Bound(ctx, t.Desk, r.Plan)
	}
	if err == nil && r.State.Stage.Final() {
		err = r.Folder.Leave(nil)
	}
	if err != nil {
		return err
	}
	q.Event.By = t.Operator()
	return t.Hand(ctx, id, q)
}
