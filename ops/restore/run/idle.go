package run

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/restore"
)

// replaces reports that an effect replaces the live tables: the service must not be running.
func replaces(e restore.Effect, p *restore.Plan) bool {
	switch e {
	case restore.EffectSwap, restore.EffectSwapBack, restore.EffectLoadBack:
		return true
	case restore.EffectLoad:
		return p.Mode == restore.InPlace
	}
	return false
}

// idle refuses an effect that replaces the live tables while the service is running: a
// process manager or a colleague may have started it since it was stopped, and what it
// writes is in no backup.
func (c *Crew) idle(ctx context.Context, e restore.Effect, p *restore.Plan) error {
	if p.Process.Untouched() || !replaces(e, p) {
		return nil
	}
	running, err := c.Services.Running(ctx, p.Process)
	if err != nil || !running {
		return err
	}
	return ops.E(ops.Failed,
		lang.M("%s is running again: somebody started it after the restore stopped it", p.Process.Name)).
		WithHint(lang.M("stop it, then retry: %s", p.Process.Stop))
}
