package checks

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/site/backups"
)

// making finds what keeps the next backup of a service from being made.
type making struct{ Source }

// with adds to the backup check what keeps the next backup from being made: what
// `backup create` would refuse, and that the last attempt failed.
func (b making) with(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		sh, err := inventory(b).shelf()
		if err != nil {
			return r
		}
		b.refused(&r, sh)
		b.lastAttempt(ctx, &r, sh)
		b.serverFirst(ctx, &r)
		b.copiesFirst(ctx, &r)
		return r
	}
}

// refused finds what `backup create` and a restore would refuse.
func (b making) refused(r *health.Result, sh *backups.Shelf) {
	say := func(why, next lang.Msg) {
		r.State = min(r.State, ops.StateWarning) // this says more than an age
		r.FindNext(ops.StateCritical, lang.M("no backup can be made or restored"), why, next)
	}
	var untrusted *trust.Error
	if errors.As(sh.Trusted(), &untrusted) {
		say(untrusted.Msg(), lang.M("If the folder's content is right, run: %s.", untrusted.Fix))
	}
	why := backups.KeyProblem(b.Service.Backup)
	if why.Empty() {
		return
	}
	say(why, lang.M("Check the key: %s.", "opsdeck config check"))
}

// lastAttempt finds that the last backup of the database failed, by hand or by schedule,
// and that no newer one is good.
func (b making) lastAttempt(ctx context.Context, r *health.Result, sh *backups.Shelf) {
	entries, _, err := sh.Oplog(ctx).Read()
	if err != nil {
		r.AddUnknown("last_attempt", lang.Raw(human.OneLine(err.Error())))
		r.Find(ops.StateUnknown, lang.M("cannot tell whether the last attempt to make a backup failed"),
			lang.Raw(human.OneLine(err.Error())))
		return
	}
	for _, e := range slices.Backward(entries) {
		ours := e.Action == "backup.create" && e.Service == b.Service.Name &&
			slices.Contains(strings.Split(e.Object, ","), b.Service.Database.Name)
		if !ours || e.Result == oplog.Started {
			continue
		}
		if e.Result != oplog.Failed {
			return
		}
		newest, err := inventory(b).NewestGood(ctx)
		if err == nil && newest.CreatedAt.After(e.Time) {
			return
		}
		r.FindNext(ops.StateWarning, lang.M("the last attempt to make a backup failed at %s", human.Moment(e.Time)),
			lang.M("%s", lang.Both{EN: human.OneLine(e.Detail["error"]), ZH: human.OneLine(e.Detail["error_zh"])}),
			lang.M("Repair what it names, then run: %s.", "opsdeck backup create"))
		return
	}
}

// serverWait is how long the server gets to let opsdeck in; the look at the folder has
// more.
const serverWait = 3 * time.Second

// serverFirst has the advice begin with the server where a new backup is needed and the
// server does not let opsdeck in: no backup can be made before that is mended.
func (b making) serverFirst(ctx context.Context, r *health.Result) {
	needed := r.Next.Empty() || strings.Contains(r.Next.String(), "opsdeck backup create")
	if r.State < ops.StateWarning || !needed || b.Next == nil {
		return
	}
	target, err := mysql.Resolve(b.Service.Database)
	if err != nil {
		return // the check of MySQL says so
	}
	look, cancel := context.WithTimeout(ctx, serverWait)
	defer cancel()
	db, err := mysql.Open(look, target, "")
	if err == nil {
		db.Close()
		if backups.HasNoTables(look, b.Service.Database) {
			r.Next = lang.M("%s.", backups.NothingToSave(b.Service.Database.Name))
		}
		return
	}
	if f := mysql.FaultOf(err); f != mysql.NoFault {
		r.Next = b.Next(f)
	}
}

// copiesFirst has the advice begin with the copies where this machine has no good backup: on a
// new machine they hold what was lost, and a new backup of an emptied database is no help.
func (b making) copiesFirst(ctx context.Context, r *health.Result) {
	copies := b.Service.Backup.Copies
	newest, err := inventory(b).NewestGood(ctx)
	missing := errors.Is(err, fs.ErrNotExist) || err == nil && newest.CreatedAt.IsZero()
	if !missing || len(copies) == 0 || b.Service.Backup.StreamTo != "" {
		return
	}
	name := human.Shell(copies[0].Name)
	r.Next = lang.M("See what the copy %s holds: %s; the restore from there: %s", copies[0].Name,
		"opsdeck backup list --copy "+name, "opsdeck restore --from "+name+": --plan")
}
