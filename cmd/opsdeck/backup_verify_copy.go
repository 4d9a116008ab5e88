package main

import (
	"context"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site/backups"
)

// verifyCopy reads backups back at a copy. It ends with 1 when one is bad.
func (c *backupVerifyCmd) verifyCopy(ctx context.Context, sh *shelf) error {
	if c.Deep {
		return ops.E(
			ops.Usage,
			lang.M(
				"--deep loads a local backup: fetch it by restoring from the copy, or verify the copy without --deep",
			),
		)
	}
	found, cp, err := sh.Offsite().Open(c.Copy, c.DryRun || sh.flags.ReadOnly)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	if err := sh.Offsite().Compare(ctx, cp); err != nil {
		return err
	}
	inv, err := cp.Inventory(ctx, sh.Scan(found.Target))
	if err != nil {
		return err
	}
	sets := inv.Sets
	if c.Name != "" {
		s, err := sh.Find(inv, c.Name)
		if err != nil {
			return err
		}
		sets = []*backup.Set{s}
	}
	doc := backupVerifyJSON{}
	var size int64
	hint := lang.M("send them again: opsdeck backup sync")
	for _, s := range sets {
		size += s.Size
		if c.DryRun {
			doc.Verified = append(doc.Verified, verifiedJSON{Name: s.Name, State: string(s.State), SizeBytes: s.Size})
			continue
		}
		start := time.Now()
		v, err := cp.Verify(ctx, s)
		if err != nil {
			return err
		}
		doc.add(v, time.Since(start))
		if v.Other {
			hint = backups.OwnFolderHint(found.Name)
		}
	}
	if c.JSON {
		err = sh.json(doc)
	} else {
		for _, v := range doc.Verified {
			sayVerified(sh, v)
		}
		sh.note(lang.M("%d backups at the copy %s, %s to read", len(sets), c.Copy, human.Bytes(size)))
	}
	switch {
	case err != nil || c.DryRun:
		return err
	case len(sets) == 0:
		return ops.E(ops.Failed, lang.M("the copy %s has no backups", c.Copy)).
			WithHint(lang.M("send them again: opsdeck backup sync"))
	case doc.Bad > 0:
		return ops.E(ops.Failed, lang.M("%d of %d backups are bad at the copy %s", doc.Bad, len(sets), c.Copy)).
			WithHint(hint)
	}
	return nil
}
