package restores

import (
	"context"
	"errors"
	"slices"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/ops"
	"opsdeck/ops/mysql"
	"opsdeck/ops/restore"
	"opsdeck/ops/site"
)

// Holding is a database held against others with this state folder, by a file, and
// against those elsewhere, on the server.
type Holding struct {
	file  *lock.Lock
	claim *mysql.Claim
}

// Release gives the database back.
func (h *Holding) Release() error { return errors.Join(h.claim.Release(), h.file.Release()) }

// hold takes the locks of the Desk's live database.
func (d *Desk) Hold(ctx context.Context, what string) (*Holding, error) {
	t, err := d.Live(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.Vacant(ctx, t); err != nil {
		return nil, err
	}
	if err := takesWrites(ctx, d.Target); err != nil {
		return nil, err
	}
	if err := site.AskElsewhere(ctx, d.Service.Database).Refusal(t.Database); err != nil {
		return nil, err
	}
	who := lock.Holder{User: oplog.UserName(), What: what}
	held, err := lock.Take(d.Store.TargetLock(t), who)
	if err != nil {
		return nil, err
	}
	if err := d.unfinished(t); err != nil { // one may have been begun in between
		return nil, errors.Join(err, held.Release())
	}
	claim, err := mysql.TakeClaim(ctx, d.Target, t.Database, who, nil)
	if err != nil {
		return nil, errors.Join(err, held.Release())
	}
	return &Holding{held, claim}, nil
}

// takesWrites is an error where the server accepts no writes because its disk is full. What
// cannot be looked at is told by the work itself.
func takesWrites(ctx context.Context, t mysql.Target) error {
	db, err := mysql.Open(ctx, t, "")
	if err != nil {
		return nil
	}
	defer db.Close()
	return mysql.RefuseNoRoom(ctx, db, t)
}

// unfinished is vacant for the holder of the lock.
func (d *Desk) unfinished(t restore.Target) error {
	open, err := d.Store.Unfinished(t)
	if err != nil || open == nil {
		return err
	}
	return ops.E(ops.Busy,
		lang.M("the restore %s of %s is unfinished: %s", open.Plan.ID, t.Database, open.State.Stage.Label())).
		WithHint(lang.M("resume it: opsdeck restore resume %s; or see what is possible: opsdeck restore status %[1]s",
			open.Plan.ID))
}

// vacant refuses while another restore of the target runs or stands unfinished.
func (d *Desk) Vacant(ctx context.Context, t restore.Target) error {
	holder, held, err := lock.Look(d.Store.TargetLock(t))
	if err != nil {
		return err
	}
	if held && !strings.HasPrefix(holder.What, "restore ") {
		return &lock.HeldError{Path: d.Store.TargetLock(t), Holder: holder}
	}
	if held {
		return ops.E(ops.Busy, lang.M("%s has been restoring %s since %s", holder.User, t.Database,
			holder.Since.Local().Format("15:04:05"))).
			WithHint(lang.M("watch it: opsdeck restore attach"))
	}
	if err := d.unfinished(t); err != nil {
		return err
	}
	for _, name := range (turns{d}).users(ctx, t) {
		if err := d.LookTurn(name); err != nil {
			return err
		}
	}
	return mysql.LookClaim(ctx, d.Target, t.Database)
}

// turns are the locks that keep deployments away from a restore.
type turns struct{ *Desk }

// users are the services that a restore of t may not run beside a deployment of: the
// desk's own, and those whose database is the same. A restore into another database
// touches none. One whose server is unknown counts.
func (d turns) users(ctx context.Context, t restore.Target) (names []string) {
	if t.Database != d.Service.Database.Name {
		return nil
	}
	for i := range d.All.Services {
		s := &d.All.Services[i]
		if s.Name == d.Service.Name || site.SameDatabase(ctx, s.Database, t) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// take keeps deployments of the services that use the target away. A target that no
// service uses needs none.
func (d turns) take(ctx context.Context, t restore.Target, who lock.Holder) (release func(), err error) {
	var held []*lock.Lock
	release = func() {
		for _, l := range held {
			l.Release()
		}
	}
	for _, name := range d.users(ctx, t) {
		l, err := d.TakeTurn(name, who)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, l)
	}
	return release, nil
}

// Live names the live database as restores do: one of them keeps a
// merge out, and a merge keeps them out.
func (d *Desk) Live(ctx context.Context) (restore.Target, error) {
	server := d.server()
	defer server.Close()
	id, err := server.Facts.Identity(ctx)
	return restore.Target{Database: d.Service.Database.Name, Address: d.Target.Server(), Identity: id}, err
}
