package backups

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/binlog"
	"opsdeck/ops/remote"
)

// nightlyProof is the number of bytes of a copy that a nightly run reads back.
const nightlyProof = 20 << 30

// proveCopies reads back a part of each copy, least recently read first, to find damage
// before a restore needs the copy.
func (sh Offsite) proveCopies(ctx context.Context) error {
	for _, c := range sh.Service.Backup.Copies {
		if err := sh.proveCopy(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Compare lets a Copier hold what the copy has against the manifests of this folder.
func (sh Offsite) Compare(ctx context.Context, cp *remote.Copier) error {
	here, err := sh.ReadOrNone(ctx)
	if err != nil {
		return err
	}
	cp.Here = map[string]string{}
	for _, s := range here.Sets {
		if s.Summary.SHA256 != "" {
			cp.Here[s.Name] = s.Summary.SHA256
		}
	}
	return nil
}

func (sh Offsite) proveCopy(ctx context.Context, c config.Copy) error {
	cp, err := sh.Copier(c, false, nil)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	if err := sh.Compare(ctx, cp); err != nil {
		return err
	}
	inv, err := cp.Inventory(ctx, sh.Scan(c.Target))
	if err != nil {
		return err
	}
	if len(inv.Sets) == 0 && len(cp.Copies[c.Name]) > 0 {
		return ops.E(ops.Failed, lang.M("the copy %s is empty: it had %d backups", c.Name, len(cp.Copies[c.Name])))
	}
	if err := sh.proveLogs(ctx, c); err != nil {
		return err
	}
	bad := 0
	some := cp.Oldest(inv.Sets, nightlyProof)
	for _, s := range some {
		v, err := cp.Verify(ctx, s)
		if err != nil {
			return err
		}
		if v.Known && !v.Good {
			bad++
			sh.Say(lang.M("%s at the copy %s is bad: %s", s.Name, c.Name, v.Problem().Text()))
		}
	}
	if bad > 0 {
		return ops.E(ops.Failed, lang.M("%d of %d backups are bad at the copy %s", bad, len(some), c.Name)).
			WithHint(lang.M("send them again: opsdeck backup sync"))
	}
	return nil
}

// proveLogs reads back a part of a copy's binlog.
func (sh Offsite) proveLogs(ctx context.Context, c config.Copy) error {
	known, err := binlog.ReadAtCopy(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil || len(known.Pieces) == 0 {
		return err // a copy that never received any is not contacted
	}
	v, _, err := sh.VerifyLogs(ctx, c, nightlyProof)
	if err != nil {
		return err
	}
	if len(v.Bad) > 0 {
		return BadLogsError(c, v)
	}
	return nil
}

// BadLogsError is the error of a copy's binlog verification that found damage.
func BadLogsError(c config.Copy, v remote.LogsVerified) error {
	return ops.E(ops.Failed, lang.M("%d of %d pieces of the binlog at the copy %s are bad, the first in %s",
		len(v.Bad), len(v.Bad)+v.Good, c.Name, v.Bad[0].Segment.File)).
		WithHint(lang.M("send them again: opsdeck backup sync"))
}
