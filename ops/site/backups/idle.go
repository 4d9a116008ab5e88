package backups

import (
	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Idle refuses while a restore of a database with this name is running, whichever service
// it belongs to: services can share a database and a folder.
func (sh Nights) Idle() error {
	open, err := sh.OpenRuns()
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.Run == nil || !o.Run.Alive {
			continue // retention keeps what it may need
		}
		if t := o.Run.Plan.Target; t.Database == sh.Service.Database.Name || t.Live == sh.Service.Database.Name {
			return ops.E(ops.Busy, lang.M("%s (pid %d) is restoring %s: %s", o.Run.Worker.User, o.Run.Worker.PID,
				t.Database, o.ID)).
				WithHint(lang.M("watch it: opsdeck restore attach"))
		}
	}
	return nil
}
