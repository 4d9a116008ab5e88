package backups

import (
	"context"
	"path/filepath"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
)

// Grace is how long after its scheduled time a run may end before it counts as missed.
const Grace = 2 * time.Hour

// Scan are the settings for scanning this service's backups in dir.
func (sh *Shelf) Scan(dir string) backup.Scan {
	now := sh.Clock.Now()
	servers, _ := backup.ReadServers(sh.StateDir, sh.Service.Name) // Policy tells of an error
	return backup.Scan{Dir: dir, Databases: []string{sh.Service.Database.Name}, Others: sh.others(),
		Tables: sh.Service.Restore.KeyTables, Zone: now.Location(), Now: now, Index: sh.Index, Servers: servers}
}

// others are the databases of other services, which may share the folder.
func (sh *Shelf) others() (names []string) {
	for _, s := range sh.All.Services {
		if s.Database.Name != "" && s.Database.Name != sh.Service.Database.Name {
			names = append(names, s.Database.Name)
		}
	}
	return names
}

// Read takes the inventory, and verifies again what chmod made doubtful.
func (sh *Shelf) Read(ctx context.Context) (*backup.Inventory, error) {
	inv, err := sh.Look(ctx)
	if err != nil {
		return nil, err
	}
	again, err := sh.Prover().reprove(ctx, inv)
	if err != nil || !again {
		return inv, err
	}
	return sh.Look(ctx)
}

// Look takes the inventory without reading backups.
func (sh *Shelf) Look(ctx context.Context) (*backup.Inventory, error) {
	inv, err := sh.Scan(sh.Dir).Read(ctx)
	if err != nil {
		return nil, err
	}
	at := places(sh.Service.Backup.Copies)
	copies, err := backup.ReadCopies(sh.StateDir, at)
	if err == nil {
		copies, err = copies.Now(sh.StateDir, at)
	}
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the record of the copies cannot be read"))
	}
	inv.Attach(copies)
	return inv, nil
}

// Keep is the retention rule of the service.
func (sh *Shelf) Keep() backup.Keep {
	k := sh.Service.Backup.Keep
	return backup.Keep{Daily: k.Daily, Weekly: k.Weekly, Monthly: k.Monthly, Emergency: k.Emergency, Manual: k.Manual}
}

// Policy is the retention rule with the backups that unfinished restores use.
func (sh *Shelf) Policy() backup.Policy {
	p := backup.Policy{Keep: sh.Keep(), Late: sh.Service.Backup.Late}
	p.InUse, p.Unreadable = sh.InUse()
	if _, err := backup.ReadServers(sh.StateDir, sh.Service.Name); err != nil {
		p.Unreadable = lang.M("the record of the servers cannot be read (%s)", err.Error())
	}
	var err error
	if p.Undo, err = sh.UndoNeeds(); err != nil {
		p.Unreadable = lang.M("the restores in %s cannot be read", sh.StateDir)
	}
	if p.Also, err = sh.AlsoSaved(); err != nil {
		p.Unreadable = lang.M("the restores in %s cannot be read", sh.StateDir)
	}
	need, _ := sh.standbyNeeds() // one that cannot be read is built again from another backup
	p.Loading = need.Loading
	return p
}

// InUse lists the backups that unfinished restores use. A restore that cannot be read may
// be unfinished and need any of them: unreadable lists those.
func (sh *Shelf) InUse() (names map[string]bool, unreadable lang.Msg) {
	open, err := sh.OpenRuns()
	if err != nil {
		return nil, lang.M("the restores in %s cannot be read", sh.StateDir)
	}
	names = map[string]bool{}
	for _, o := range open {
		if o.Run == nil {
			unreadable = lang.M("the restore %s cannot be read (%s)", o.ID, o.Err.Error())
			continue
		}
		names[filepath.Base(o.Run.Plan.Source.Path)] = true
	}
	return names, unreadable
}

// Find is the backup that a person named; the base name of a path is enough.
func (sh *Shelf) Find(inv *backup.Inventory, name string) (*backup.Set, error) {
	if s := inv.Find(name); s != nil {
		return s, nil
	}
	if s := inv.Find(filepath.Base(name)); s != nil {
		return s, nil
	}
	return nil, ops.E(ops.Usage, lang.M("there is no backup %q in %s", name, sh.Dir)).
		WithHint(lang.M("it may have been removed since; list the names: opsdeck backup list"))
}
