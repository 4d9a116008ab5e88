package main

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// withArchive adds to the backup check what the archive of the binary log lacks: a gap
// that no full backup has healed ends what --until can reach.
func (b *checker) withArchive(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		sh, err := b.app.shelfOf(&b.service)
		if err != nil {
			return r
		}
		h, err := sh.holdings()
		if err != nil {
			r.Find(ops.StateCritical, lang.M("the archive of the binary log cannot be read"), lang.Raw(err.Error()))
			r.Next = lang.M("look with: %s", "opsdeck backup binlog verify")
			return r
		}
		for _, g := range h.gaps {
			if !g.Healed {
				r.Find(ops.StateCritical, lang.M("the archive of the binary log has a gap"), gapText(g.Gap))
				r.Next = lang.M("make a full backup now: opsdeck backup create")
			}
		}
		return r
	}
}
