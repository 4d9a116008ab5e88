package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// VerifyOne verifies one backup and records the result.
func (sh Prover) VerifyOne(ctx context.Context, s *backup.Set, deep bool, i, n int) (time.Duration, error) {
	show, done := sh.Progress()
	defer done()
	start := time.Now()
	report := func(r ops.Progress) {
		r.Object = strings.TrimSpace(fmt.Sprintf("%d/%d %s %s", i, n, s.Name, r.Object))
		show(r)
	}
	check, err := sh.prove(ctx, s, report)
	if err == nil && deep {
		check, err = sh.Driller().deepen(ctx, s, check, report)
	}
	if err != nil {
		return 0, err
	}
	return time.Since(start), sh.remember(s, check)
}

// prove verifies a backup. The record that it was loaded once remains valid while its
// bytes are the same.
func (sh Prover) prove(ctx context.Context, s *backup.Set, report func(ops.Progress)) (backup.Check, error) {
	check, err := sh.proof(ctx, s.Path, report)
	check.Deep = s.Deep && check.OK() && check.SHA256 == s.SHA256
	for _, p := range s.Problems {
		if check.Deep && p.Code == backup.Dangling {
			check.Problems = append(check.Problems, p)
		}
	}
	return check, err
}

// proof verifies a backup; with backup.identity also the content of an encrypted one.
func (sh Prover) proof(ctx context.Context, path string, report func(ops.Progress)) (backup.Check, error) {
	ids, err := sh.Identities()
	if err != nil {
		return backup.Check{}, err
	}
	var unseal backup.Unseal
	if len(ids) > 0 {
		unseal = func(r io.Reader) (io.Reader, error) {
			plain, err := age.Decrypt(r, ids...)
			if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
				return nil, backup.ErrNotOpened
			}
			return plain, err
		}
	}
	return backup.VerifySealed(ctx, path, unseal, sh.Clock.Now, report)
}

func (sh Prover) remember(s *backup.Set, check backup.Check) error {
	file, manifest, err := backup.Identify(s.Path)
	if err != nil {
		return nil // it cannot be read, which the inventory reports
	}
	if err := sh.Index.Record(file, manifest, check); err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the result of the verification cannot be saved"))
	}
	return nil
}

// SealedNote tells how far an encrypted backup was verified without a key.
var SealedNote = lang.M(
	"encrypted: only the length and hash of the whole file were verified, not its members; set backup.identity to " +
		"read it",
)
