package backups

import (
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// ownKeep tells whether a copy has its own retention rule. Then each night applies it
// there; else only a person does.
func ownKeep(c config.Copy) bool { return c.Keep != (config.Keep{}) }

// policyAt is the retention rule at a copy.
func (sh *Shelf) policyAt(c config.Copy) backup.Policy {
	p := sh.Policy()
	p.Keep = KeepAt(sh, c)
	p.Late = LateAt(sh.Service.Backup, c)
	return p
}

// LateAt is the maximum age of the newest good backup at a copy: the copy's own, else the
// service's and the period of the shortest tier that the copy's own rule keeps.
func LateAt(b config.Backup, c config.Copy) time.Duration {
	const day = 24 * time.Hour
	switch {
	case c.Late > 0:
		return c.Late
	case b.Late <= 0 || !ownKeep(c) || c.Keep.Daily > 0:
		return b.Late
	case c.Keep.Weekly > 0:
		return b.Late + 7*day
	}
	return b.Late + 31*day
}

// chosen divides the backups here into those that a sync brings to a copy, given what it
// has, and those that the copy's own retention would remove there at once.
func (sh *Shelf) chosen(c config.Copy, inv *backup.Inventory, there backup.Listing,
	known backup.Copies) (send []*backup.Set, left []backup.Step) {
	if !ownKeep(c) {
		return inv.ToSend(), nil
	}
	sc := sh.Scan(c.Target)
	return sc.ToSendUnder(inv, sc.NewInventory(sc.SetsAtCopy(there, known)), sh.policyAt(c))
}

// Wanted lists the backups here that a copy has or should have, by what is remembered of
// it. It does not connect to the copy.
func (sh *Shelf) Wanted(c config.Copy, inv *backup.Inventory) ([]*backup.Set, error) {
	known, err := backup.ReadCopies(sh.StateDir, places(sh.Service.Backup.Copies))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
	}
	there, err := backup.ReadListing(sh.StateDir, c.Name, PlaceOf(c))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
	}
	send, _ := sh.chosen(c, inv, there, known)
	return send, nil
}
