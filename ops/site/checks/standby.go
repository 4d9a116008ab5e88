package checks

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	core "opsdeck/ops/restore/standby"
	"opsdeck/ops/site/restores"
	"opsdeck/ops/site/standby"
)

// standbyName is the name of the check of the standby.
const standbyName = "standby"

// uncheckedFor is how long a standby may go without a comparison with a new backup: a
// night that failed, and the next one.
const uncheckedFor = 3 * 24 * time.Hour

// standby checks the second copy of the database: whether a restore can use it. It is
// looked at too where it is off and something of it remains.
func (b *checker) standby() {
	if !HasDatabase(b.Service.Database) || !b.Service.Restore.Standby && !b.standbyRemains() {
		return
	}
	b.add(standbyName, health.KindJob, slowPace, b.lookAtStandby,
		[]health.Limit{
			{
				What:     lang.M("lag beyond its delay"),
				Warning:  lang.M("over %s", human.Duration(lagWarn)),
				Critical: lang.M("over %s", human.Duration(lagBad)),
			},
			{What: lang.M("last comparison with a backup"),
				Warning:  lang.M("over %s ago", human.Duration(uncheckedFor)),
				Critical: lang.M("it differs")},
		},
		"opsdeck restore standby status")
	b.checks[len(b.checks)-1].Timeout = inventoryTimeout
}

// standbyRemains tells whether a standby is remembered.
func (b *checker) standbyRemains() bool {
	if b.Site == nil {
		return false
	}
	at, err := b.Site()
	if err != nil {
		return false // other checks say so
	}
	rec, err := core.Store{StateDir: at.StateDir, Service: b.Service.Name}.Load()
	return err != nil || rec.Schema != ""
}

func (b *checker) lookAtStandby(ctx context.Context) health.Result {
	at, err := b.Site()
	if err != nil {
		return cannot(lang.M("the standby cannot be checked"), err)
	}
	d, err := restores.Open(at)
	if err != nil {
		return cannot(lang.M("the standby cannot be checked"), err)
	}
	s, err := standby.Open(d).Look(ctx)
	if err != nil {
		r := cannot(lang.M("the standby cannot be checked"), err)
		r.Follows = health.KindMySQL
		return r
	}
	return judgeStandby(s, b.Now())
}

// judgeStandby is how a standby stands, for those who may have to restore.
func judgeStandby(s standby.Standing, now time.Time) health.Result {
	r := health.Result{Detail: s.Headline(now)}
	if !s.On {
		if s.Remains() {
			r.FindNext(ops.StateWarning, s.Headline(now), lang.Msg{},
				lang.M("Remove it: %s", "opsdeck restore standby remove"))
		}
		return r
	}
	without := lang.M("until then a restore loads a backup")
	if !s.Paused.Empty() {
		without = lang.M("it pauses: %s", s.Paused.Msg)
	}
	switch {
	case !s.Gone.Empty(), s.State == core.Off:
		r.FindNext(ops.StateWarning, s.Headline(now), without,
			lang.M("Watch builds it; build it now: %s", "opsdeck restore standby run"))
	case s.State == core.Building:
		r.Find(ops.StateWarning, s.Headline(now), without)
	case s.State != core.Ready:
		r.FindNext(ops.StateCritical, s.Headline(now), without, lang.M("See why: %s", "opsdeck restore standby status"))
	default:
		judgeReady(&r, s, now)
	}
	if !s.Paused.Empty() {
		r.Find(ops.StateWarning, lang.M("the standby pauses: %s", s.Paused.Msg), lang.Msg{})
	}
	return r
}

// judgeReady judges the lag and the last check of a standby that is there.
func judgeReady(r *health.Result, s standby.Standing, now time.Time) {
	r.Add("place", s.Place.Position.String(), lang.Msg{})
	r.Add("applied_to", s.AppliedTo, lang.M("%s", s.AppliedTo))
	lag, known := s.Lag(now)
	if !known {
		r.Find(ops.StateUnknown, lang.M("how far the binlog is applied to the standby is unknown"), lang.Msg{})
		return
	}
	r.Add("lag_ms", lag.Milliseconds(), lang.Raw(human.Duration(lag)))
	archived := lang.M("See whether the log is archived: %s", "opsdeck backup binlog list")
	switch {
	case lag > lagBad:
		r.FindNext(ops.StateCritical, s.Headline(now), lang.M("limit %s", human.Duration(lagBad)), archived)
	case lag > lagWarn:
		r.FindNext(ops.StateWarning, s.Headline(now), lang.M("limit %s", human.Duration(lagWarn)), archived)
	}
	switch c := s.Check; {
	case c == nil:
		r.Find(ops.StateUnknown, lang.M("the standby was never compared with a backup"), lang.Msg{})
	case !c.Good:
		r.Find(ops.StateCritical, lang.M("the standby differs from %s", c.Backup), lang.Msg{})
	default:
		r.Add("checked_at", c.At, lang.M("%s, with %s", c.At, c.Backup))
		if now.Sub(c.At) > uncheckedFor {
			r.Find(ops.StateWarning, lang.M("the standby was last compared with a backup on %s", c.At),
				lang.M("limit %s", human.Duration(uncheckedFor)))
		}
	}
}
