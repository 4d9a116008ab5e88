package main

import (
	"context"
	"path/filepath"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/restore"
)

// backupCmd is the group of the backup verbs.
type backupCmd struct {
	Create   backupCreateCmd   `cmd:"" help:"Make a backup, its manifest and its weekly and monthly names."`
	List     backupListCmd     `cmd:"" help:"List the backups by tier, with what is missing."`
	Show     backupShowCmd     `cmd:"" help:"Show one backup: what it holds and how far it is proved."`
	Verify   backupVerifyCmd   `cmd:"" help:"Prove backups: length, hashes, trailer."`
	Prune    backupPruneCmd    `cmd:"" help:"Let go of what retention does not keep."`
	Remove   backupRemoveCmd   `cmd:"" help:"Remove one backup by its name."`
	Drill    backupDrillCmd    `cmd:"" help:"Rehearse a restore in a scratch schema, and record it."`
	Drills   backupDrillsCmd   `cmd:"" help:"Show the record of drills."`
	Sync     backupSyncCmd     `cmd:"" help:"Bring the copies elsewhere up to date; nothing is removed there."`
	Binlog   backupBinlogCmd   `cmd:"" help:"Archive the binary log, so that a restore can go to any moment."`
	Schedule backupScheduleCmd `cmd:"" help:"When backups, verifications and drills run by themselves."`
}

// shelf is the backups of the chosen service, with what is remembered of them.
type shelf struct {
	*app
	service *config.Service
	dir     string
	state   string
	index   *backup.Index
	daily   backup.Cron
	reread  rereading
}

func (a *app) shelf() (*shelf, error) {
	s, err := a.service()
	if err != nil {
		return nil, err
	}
	sh, err := a.shelfOf(s)
	if err == nil {
		sh.reread = aloud
	}
	return sh, err
}

func (a *app) shelfOf(s *config.Service) (*shelf, error) {
	state, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	sh := &shelf{app: a, service: s, dir: config.Home(s.Backup.Dir), state: state, reread: aside}
	if sh.dir == "" {
		return nil, ops.E(ops.Config, lang.M("no backup folder is configured for %s", s.Name)).
			WithHint(lang.M("set backup.dir in the configuration"))
	}
	if sh.index, err = backup.OpenIndex(state, sh.dir); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the index of verified backups cannot be read"))
	}
	if sh.daily, err = backup.ParseCron(s.Backup.Daily); err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("backup.daily is not a schedule"))
	}
	return sh, nil
}

// grace is how long after its time a run may end before its slot counts as missing.
const grace = 2 * time.Hour

func (sh *shelf) read() (*backup.Inventory, error) { return sh.readIn(sh.ctx) }

// scan is how this service's backups are looked at, in dir.
func (sh *shelf) scan(dir string) backup.Scan {
	now := sh.clock.Now()
	return backup.Scan{Dir: dir, Databases: []string{sh.service.Database.Name}, Others: sh.others(),
		Tables: sh.service.Restore.KeyTables, Zone: now.Location(), Now: now, Index: sh.index}
}

// others are the databases of the other services, which may share the folder.
func (sh *shelf) others() (names []string) {
	loaded, err := sh.config()
	if err != nil {
		return nil
	}
	for _, s := range loaded.Services {
		if s.Database.Name != "" && s.Database.Name != sh.service.Database.Name {
			names = append(names, s.Database.Name)
		}
	}
	return names
}

// readIn takes the inventory, and reads again what chmod made doubtful.
func (sh *shelf) readIn(ctx context.Context) (*backup.Inventory, error) {
	inv, err := sh.look(ctx)
	if err != nil {
		return nil, err
	}
	again, err := sh.reprove(ctx, inv)
	if err != nil || !again {
		return inv, err
	}
	return sh.look(ctx)
}

// look takes the inventory and reads no backup.
func (sh *shelf) look(ctx context.Context) (*backup.Inventory, error) {
	inv, err := sh.scan(sh.dir).Read(ctx)
	if err != nil {
		return nil, err
	}
	copies, err := backup.ReadCopies(sh.state, places(sh.service.Backup.Copies))
	if err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("what is known of the copies cannot be read"))
	}
	inv.Attach(copies)
	return inv, nil
}

func (sh *shelf) keep() backup.Keep {
	k := sh.service.Backup.Keep
	return backup.Keep{Daily: k.Daily, Weekly: k.Weekly, Monthly: k.Monthly, Emergency: k.Emergency, Manual: k.Manual}
}

func (sh *shelf) policy() backup.Policy {
	p := backup.Policy{Keep: sh.keep(), Late: sh.service.Backup.Late}
	p.InUse, p.Unreadable = sh.inUse()
	return p
}

// inUse names the backups that unfinished restores read. A restore that cannot be
// read may be unfinished and may need any of them: unreadable says which it is.
func (sh *shelf) inUse() (names map[string]bool, unreadable lang.Msg) {
	open, err := restore.Store{Dir: sh.state}.OpenRuns()
	if err != nil {
		return nil, lang.M("the restores in %s cannot be read", sh.state)
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

// find is the backup that a person named; a path's base will do.
func (sh *shelf) find(inv *backup.Inventory, name string) (*backup.Set, error) {
	if s := inv.Find(name); s != nil {
		return s, nil
	}
	if s := inv.Find(filepath.Base(name)); s != nil {
		return s, nil
	}
	return nil, ops.E(ops.Usage, lang.M("there is no backup %q in %s", name, sh.dir)).
		WithHint(lang.M("opsdeck backup list shows the names"))
}
