package probe

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// Slow makes an answer that is good, but took longer than limit, a warning about
// what gave it. No limit judges nothing.
func Slow(look health.Probe, limit time.Duration, what string) health.Probe {
	return func(ctx context.Context) health.Result {
		began := time.Now()
		r := look(ctx)
		took := r.Latency
		if took == 0 {
			took = time.Since(began)
		}
		if limit <= 0 || took <= limit || r.State != ops.StateOK {
			return r
		}
		r.Add("slow_ms", took.Milliseconds(), lang.Raw(human.Duration(took)))
		r.Find(ops.StateWarning, lang.M("%s responds slowly", what), lang.M("%s, limit %s", human.Duration(took),
			human.Duration(limit)))
		return r
	}
}
