package checks

import (
	"context"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/site/backups"
)

// withCopies adds to the backup check the copies that somebody emptied, as they
// were last looked at.
func (b *checker) withCopies(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		at, err := b.Site()
		if err != nil {
			return r
		}
		for _, c := range b.Service.Backup.Copies {
			l, err := backup.ReadListing(at.StateDir, c.Name, backups.PlaceOf(c))
			if err != nil {
				r.Find(ops.StateWarning, lang.M("the record of the copies cannot be read"), lang.Raw(c.Name))
				continue
			}
			if e := l.Emptied; e != nil {
				seen := e.At.In(b.Now().Location()).Format("2006-01-02 15:04")
				r.Find(ops.StateCritical, backups.EmptiedText(c, *e), lang.M("found %s", seen))
				r.Next = lang.M("Find out who removed them; then clear the alarm: %s", "opsdeck backup sync")
			}
		}
		return r
	}
}
