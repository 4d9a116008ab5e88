package main

import (
	"context"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
)

// withCopies adds to the backup check the copies that somebody emptied, as they
// were last looked at.
func (b *checker) withCopies(look health.Probe) health.Probe {
	return func(ctx context.Context) health.Result {
		r := look(ctx)
		dir, err := b.app.stateDir()
		if err != nil {
			return r
		}
		for _, c := range b.service.Backup.Copies {
			l, err := backup.ReadListing(dir, c.Name, placeOf(c))
			if err != nil {
				r.Find(ops.StateWarning, lang.M("what is known of the copies cannot be read"), lang.Raw(c.Name))
				continue
			}
			if e := l.Emptied; e != nil {
				at := e.At.In(b.now().Location()).Format("2006-01-02 15:04")
				r.Find(ops.StateCritical, emptiedText(c, *e), lang.M("seen %s", at))
				r.Next = lang.M("Find out who removed them; %s ends the alarm", "opsdeck backup sync")
			}
		}
		return r
	}
}

func emptiedText(c config.Copy, e backup.Emptied) lang.Msg {
	return lang.M(
		"the copy %s was emptied: of %d backups %d were left, and opsdeck removed none of them",
		c.Name,
		e.Had,
		e.Left,
	)
}

// placeOf tells one copy's place from another's.
func placeOf(c config.Copy) string { return c.Kind + " " + c.Endpoint + " " + c.Target }

// places are those of the copies, by their names.
func places(copies []config.Copy) map[string]string {
	at := make(map[string]string, len(copies))
	for _, c := range copies {
		at[c.Name] = placeOf(c)
	}
	return at
}

// emptiedError is how a sync ends that found a copy emptied.
func emptiedError(c config.Copy, e backup.Emptied) error {
	return ops.E(ops.Failed, emptiedText(c, e)).
		WithHint(lang.M("what is here was sent again; find out who removed the rest, then run opsdeck backup sync " +
			"once more: it ends the alarm"))
}
