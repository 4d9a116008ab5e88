package checks

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
	"opsdeck/ops/site/backups"
)

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
			r.Find(ops.StateCritical, lang.M("the binlog archive cannot be read"), lang.Raw(err.Error()))
			r.Next = lang.M("see: %s", "opsdeck backup binlog verify")
			return r
		}
		for _, g := range h.Gaps {
			if !g.Healed {
				r.Find(ops.StateCritical, lang.M("the binlog archive has a gap"), backups.GapText(g.Gap))
				r.Next = lang.M("make a full backup now: opsdeck backup create")
			}
		}
		return r
	}
}
