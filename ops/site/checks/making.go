package checks

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/health"
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
		return r
	}
}

// refused finds what `backup create` and a restore would refuse.
func (b making) refused(r *health.Result, sh *backups.Shelf) {
	var untrusted *trust.Error
	if errors.As(sh.Trusted(), &untrusted) {
		r.Find(ops.StateCritical, lang.M("no backup can be made or restored"), untrusted.Msg())
		r.Next = lang.M("If the folder's content is right, run: %s.", untrusted.Fix)
	}
	err := backups.KeyFits(b.Service.Backup)
	if err == nil || errors.Is(err, fs.ErrPermission) { // another user's key says nothing here
		return
	}
	why := lang.Raw(err.Error())
	var known *ops.Error
	if errors.As(err, &known) {
		why = known.What
	}
	r.Find(ops.StateCritical, lang.M("no backup can be made or restored"), why)
	r.Next = lang.M("Check the key: %s.", "opsdeck config check")
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
		worse := r.State == ops.StateCritical
		r.Find(ops.StateWarning, lang.M("the last attempt to make a backup failed at %s", human.Moment(e.Time)),
			lang.Raw(human.OneLine(e.Detail["error"])))
		if !worse {
			r.Next = lang.M("Repair what it names, then run: %s.", "opsdeck backup create")
		}
		return
	}
}
