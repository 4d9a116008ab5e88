package checks

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/site/backups"
)

// fetchEvery is how long no run may archive where a schedule fetches what is new: two of
// its runs, and some minutes.
const fetchEvery = 25 * time.Minute

// withArchive adds to the backup check what the archive of the binary log lacks: a gap
// that no full backup has healed ends what --until can reach.
func (b *checker) withArchive(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		sh, err := (inventory{b.Source}).shelf()
		if err != nil {
			return r
		}
		h, err := sh.Binlog().Holdings(ctx)
		if err != nil {
			r.FindNext(ops.StateCritical, lang.M("the binlog archive cannot be read"), lang.Raw(err.Error()),
				lang.M("See: %s.", "opsdeck backup binlog verify"))
			return r
		}
		live := sh.Binlog().Live(ctx, h)
		h = h.With(live)
		b.following(&r, sh, h, live.Server)
		swapped := b.swapped(ctx, &r)
		if h.Unlogged != "" {
			r.FindNext(ops.StateCritical, lang.M("the binlog archive lacks this database's changes"),
				backups.UnloggedText(b.Service.Database.Name, h.Unlogged), lang.M("See: %s.", "opsdeck doctor"))
		}
		failover{b.Source}.find(ctx, &r, sh, h)
		for _, f := range h.Faults {
			r.FindNext(ops.StateWarning, lang.M("a file of the binlog archive cannot be used"), f.Sentence(),
				lang.M("See: %s.", "opsdeck backup binlog verify"))
		}
		for _, g := range h.Gaps {
			if !g.Healed {
				r.FindNext(ops.StateCritical, lang.M("the binlog archive has a gap"), backups.GapText(g.Gap),
					lang.M("Make a full backup now: opsdeck backup create."))
			}
		}
		if !swapped {
			stops(ctx, &r, sh)
		}
		return r
	}
}

// stops finds a statement in the archive that a replay cannot do: no restore reaches a later
// moment until there is a full backup after it. A server that does not respond is found
// elsewhere.
func stops(ctx context.Context, r *health.Result, sh *backups.Shelf) {
	stop, err := sh.Binlog().Outlook(ctx, false)
	if err != nil || stop == nil {
		return
	}
	r.FindNext(ops.StateCritical, lang.M("no restore reaches a moment after %s", human.Moment(stop.Time)),
		backups.StopText(*stop), lang.M("Make a full backup now: opsdeck backup create."))
}

// following finds that a server's binlog should be followed, and no process does it.
func (b *checker) following(r *health.Result, sh *backups.Shelf, h backups.Holdings, server string) {
	if b.Service.Backup.Binlog != "follow" {
		return
	}
	folder := sh.Binlog().Archive()
	held, err := folder.Following(server)
	last, lastErr := folder.LastRun(server)
	if held || err != nil || lastErr != nil || b.Now().Sub(last) < fetchEvery {
		return
	}
	detail := lang.M("the archive is empty")
	for _, s := range h.Spans {
		if s.Server == server {
			detail = lang.M("the archive ends at %s", human.Moment(s.ToTime))
		}
	}
	r.FindNext(ops.StateWarning, lang.M("no process archives the binlog, though backup.binlog is follow"), detail,
		lang.M("Archive it: %s.", "opsdeck backup binlog follow"))
}

// swapped finds a restore by swap, or its undo, that no full backup was made after: the
// log after it continues no backup.
func (b *checker) swapped(ctx context.Context, r *health.Result) bool {
	at, err := b.Site()
	if err != nil {
		return false
	}
	newest, err := (inventory{b.Source}).NewestGood(ctx)
	if err != nil {
		return false
	}
	cut, err := at.LogCut(b.Service.Database.Name, newest.CreatedAt)
	if err != nil || cut.IsZero() {
		return false
	}
	r.FindNext(ops.StateWarning, lang.M("a restore swapped the tables at %s: no restore to a later moment is possible",
		cut), lang.M("there is no full backup after it"), lang.M("Make a full backup now: opsdeck backup create."))
	return true
}
