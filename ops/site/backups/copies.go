package backups

import (
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// EmptiedText reports that a copy lost backups that opsdeck did not remove.
func EmptiedText(c config.Copy, e backup.Emptied) lang.Msg {
	return lang.M("the copy %s was emptied: of %d backups %d remained, and opsdeck did not remove them", c.Name, e.Had,
		e.Left)
}

// PlaceOf distinguishes one copy's location from another's.
func PlaceOf(c config.Copy) string { return c.Kind + " " + c.Endpoint + " " + c.Target }

// EmptiedError is the error of a sync that found a copy emptied.
func EmptiedError(c config.Copy, e backup.Emptied) error {
	return ops.E(ops.Failed, EmptiedText(c, e)).
		WithHint(lang.M("the local backups were sent again; find out who removed the rest, then clear the " +
			"alarm: opsdeck backup sync"))
}

// OwnFolderHint is what to do when another machine's backups use the same names at a copy.
func OwnFolderHint(name string) lang.Msg {
	return lang.M("give each machine a folder of its own: change the target of the copy %s in backup.copies", name)
}

// places are the copies' locations, by name.
func places(copies []config.Copy) map[string]string {
	at := make(map[string]string, len(copies))
	for _, c := range copies {
		at[c.Name] = PlaceOf(c)
	}
	return at
}
