package stat

import (
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs/query"
	"time"
)

// Spans are the bad one, from since to until or now, and the good one of the same length. It is
// shorter where it would reach into the bad one: no event counts for both.
func Spans(begin string, since, until, now time.Time) (good, bad Span, shorter bool, err error) {
	bad = Span{From: since, To: until}
	if bad.From.IsZero() {
		return good, bad, false, ops.E(ops.Usage, lang.M("--compare needs --since: the start of the time in question"))
	}
	if bad.To.IsZero() {
		bad.To = now
	}
	from, err := query.ParseMoment(begin, now)
	if err != nil {
		return good, bad, false,
			ops.E(ops.Usage, lang.M("not a time: %s (-2h, 14:00, 2026-01-29, 2026-01-29T14:00)", begin))
	}
	if !bad.To.After(bad.From) {
		return good, bad, false, ops.E(ops.Usage, lang.M("--until must be after --since"))
	}
	good = Span{From: from, To: from.Add(bad.To.Sub(bad.From))}
	switch {
	case !from.Before(bad.To) || !good.To.After(bad.From):
	case !from.Before(bad.From):
		msg := lang.M("the good span starts inside the time in question: %s", begin)
		return good, bad, false, ops.E(ops.Usage, msg).
			WithHint(lang.M("give --compare a time before --since"))
	default:
		good.To = bad.From
		shorter = true
	}
	return good, bad, shorter, nil
}
