package main

import (
	"context"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/remote"
)

// nightlyProof is how many bytes of a copy a night reads back.
const nightlyProof = 20 << 30

// verifyCopy reads backups back at a copy. It ends with 1 when one is bad.
func (c *backupVerifyCmd) verifyCopy(sh *shelf) error {
	if c.Deep {
		return ops.E(
			ops.Usage,
			lang.M(
				"--deep loads a backup that is here: fetch it by restoring from the copy, or verify the copy "+
					"without --deep",
			),
		)
	}
	found, err := sh.copies(c.Copy)
	if err != nil {
		return err
	}
	cp, err := sh.copier(found[0], c.DryRun || sh.flags.ReadOnly, nil)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(sh.ctx, sh.scan(found[0].Target))
	if err != nil {
		return err
	}
	sets := inv.Sets
	if c.Name != "" {
		s, err := sh.find(inv, c.Name)
		if err != nil {
			return err
		}
		sets = []*backup.Set{s}
	}
	doc := backupVerifyJSON{Verified: []verifiedJSON{}}
	var size int64
	for _, s := range sets {
		size += s.Size
		if c.DryRun {
			doc.Verified = append(
				doc.Verified,
				verifiedJSON{Name: s.Name, State: string(s.State), SizeBytes: s.Size, Problems: []string{}},
			)
			continue
		}
		start := time.Now()
		v, err := cp.Verify(sh.ctx, s)
		if err != nil {
			return err
		}
		doc.add(v, time.Since(start))
	}
	if c.JSON {
		err = sh.json(doc)
	} else {
		for _, v := range doc.Verified {
			sh.sayVerified(v)
		}
		sh.note(lang.M("%d backups at the copy %s, %s to read", len(sets), c.Copy, human.Bytes(size)))
	}
	switch {
	case err != nil || c.DryRun:
		return err
	case len(sets) == 0:
		return ops.E(ops.Failed, lang.M("the copy %s holds no backup", c.Copy)).
			WithHint(lang.M("send them again: opsdeck backup sync"))
	case doc.Bad > 0:
		return ops.E(ops.Failed, lang.M("%d of %d backups at the copy %s are bad", doc.Bad, len(sets), c.Copy)).
			WithHint(lang.M("send them again: opsdeck backup sync"))
	}
	return nil
}

func (doc *backupVerifyJSON) add(v remote.Verified, took time.Duration) {
	j := verifiedJSON{
		Name:       v.Set.Name,
		State:      string(backup.Unverified),
		SizeBytes:  v.Set.Size,
		SHA256:     v.SHA256,
		DurationMS: took.Milliseconds(),
		Problems:   []string{},
	}
	switch {
	case v.Good:
		j.State = string(backup.Good)
	case v.Known:
		j.State = string(backup.Bad)
		j.said = []lang.Msg{backup.Problem{Code: backup.HashDiffers}.Text()}
		j.Problems = []string{j.said[0].String()}
	}
	if v.Known && !v.Good {
		doc.Bad++
	} else {
		doc.Good++
	}
	doc.Verified = append(doc.Verified, j)
}

// proveCopies reads some of each copy back, what was read longest ago first: rot there
// is found before a restore needs it.
func (sh *shelf) proveCopies(ctx context.Context) error {
	for _, c := range sh.service.Backup.Copies {
		if err := sh.proveCopy(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (sh *shelf) proveCopy(ctx context.Context, c config.Copy) error {
	cp, err := sh.copier(c, false, nil)
	if err != nil {
		return err
	}
	defer cp.Store.Close()
	inv, err := cp.Inventory(ctx, sh.scan(c.Target))
	if err != nil {
		return err
	}
	if len(inv.Sets) == 0 && len(cp.Copies[c.Name]) > 0 {
		return ops.E(ops.Failed, lang.M("the copy %s is empty: %d backups were there", c.Name, len(cp.Copies[c.Name])))
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
			sh.note(
				lang.M("%s at the copy %s is bad: %s", s.Name, c.Name, backup.Problem{Code: backup.HashDiffers}.Text()),
			)
		}
	}
	if bad > 0 {
		return ops.E(ops.Failed, lang.M("%d of %d backups at the copy %s are bad", bad, len(some), c.Name)).
			WithHint(lang.M("send them again: opsdeck backup sync"))
	}
	return nil
}
