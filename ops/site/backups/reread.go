package backups

import (
	"context"
	"fmt"
	"time"

	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Rereading limits how much is read again, in one check, of backups whose metadata alone
// changed since their verification.
type Rereading struct {
	bytes int64
	time  time.Duration // 0 is no limit
	aloud bool          // report the progress
}

// A command may take its time, and reports what it does. Status and the console check
// often: longer work is left to the next command or nightly run.
var (
	Aloud = Rereading{bytes: 4 << 30, aloud: true}
	Aside = Rereading{bytes: 512 << 20, time: 3 * time.Second}
)

// reprove verifies such backups again. It reports whether one was read.
func (sh Prover) reprove(ctx context.Context, inv *backup.Inventory) (bool, error) {
	report := func(ops.Progress) {}
	if sh.Reread.aloud {
		show, done := sh.Progress()
		defer done()
		report = show
	}
	i := 0
	n := len(inv.Moved())
	prove := func(ctx context.Context, s *backup.Set) (backup.Check, error) {
		i++
		label := fmt.Sprintf("%d/%d %s", i, n, s.Name)
		return sh.proof(ctx, s.Path, func(r ops.Progress) {
			r.Object = label
			report(r)
		})
	}
	return backup.Reproof{Bytes: sh.Reread.bytes, Time: sh.Reread.time, Prove: prove}.Run(ctx, inv, sh.Index)
}
