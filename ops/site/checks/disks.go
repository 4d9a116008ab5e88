package checks

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops/backup"
	"opsdeck/ops/health"
	"opsdeck/ops/mysql"
	"opsdeck/ops/probe"
)

func (b *checker) disks() {
	add := func(name string, look probe.Disk, commands ...string) {
		free := b.Service.Health.DiskFree
		look.Free, look.Now = free, b.Now
		lim := append(
			limits(lang.M("free space"), lang.M("under %s", human.Percent(free)), lang.M("under %s",
				human.Percent(free/4))),
			health.Limit{
				What:     lang.M("full at this rate in"),
				Warning:  lang.M("under %s", "24 h"), // and under four days, seen over a day
				Critical: lang.M("under %s", "1 h"),
			},
		)
		b.add(name, health.KindDisk, diskPace, look.Probe(), lim, commands...)
	}
	if d := b.Service.Database; HasDatabase(d) && b.isLocal() {
		path := probe.Fixed(config.Home(d.DataDir))
		commands := probe.DiskCommands(config.Home(d.DataDir))
		if d.DataDir == "" {
			path = dataFolder(d)
			commands = []string{"df -h"} // the look knows the folder, once the server answers
		}
		add("disk-data", probe.Disk{Path: path, Follows: health.KindMySQL}, commands...)
	}
	for _, source := range b.Service.Logs.Paths() {
		if probe.IsFile(source) {
			dir := filepath.Dir(config.Home(source))
			add("disk-log", probe.Disk{Path: probe.Fixed(dir)}, probe.DiskCommands(dir)...)
			break
		}
	}
	if dir := b.Service.Backup.Dir; dir != "" && HasDatabase(b.Service.Database) {
		at := probe.Disk{Path: probe.Fixed(config.Home(dir)), Room: probe.FolderRoom, Unwritten: noBackups}
		if b.Site != nil {
			at.Next = b.nextBackup
		}
		add("disk-backup", at, probe.DiskCommands(config.Home(dir))...)
	}
	if b.Site != nil && len(b.checks) > 0 {
		shown := "/var/lib"
		if at, err := b.Site(); err == nil {
			shown = at.StateDir
		}
		at := probe.Disk{Path: b.stateFolder, Room: probe.FolderRoom, Unwritten: noState}
		add("disk-state", at, probe.DiskCommands(shown)...)
	}
	for _, dir := range b.Service.Health.Disks {
		add("disk:"+dir, probe.Disk{Path: probe.Fixed(config.Home(dir))}, probe.DiskCommands(config.Home(dir))...)
	}
}

// nextBackup is about how many bytes the next backup needs; 0 is unknown.
func (b Source) nextBackup(ctx context.Context) int64 {
	shelf, err := inventory{b}.shelf()
	if err != nil {
		return 0
	}
	inv, err := shelf.ReadOrNone(ctx)
	if err != nil {
		return 0
	}
	return backup.NextSize(inv, b.Service.Database.Name)
}

func noBackups(path string) lang.Msg {
	return lang.M("backups cannot be written to %s: no backup can be made, and no emergency backup before a restore",
		path)
}

func noState(path string) lang.Msg {
	return lang.M("opsdeck cannot write to its state folder %s: no backup, restore or alert can work", path)
}

// stateFolder is the folder of opsdeck's records, locks and restores. One that is no folder
// is for the check to see.
func (b Source) stateFolder(context.Context) (string, error) {
	at, err := b.Site()
	if none := (*fs.PathError)(nil); errors.As(err, &none) {
		return none.Path, nil
	}
	if err != nil {
		return "", err
	}
	return at.StateDir, nil
}

// isLocal tells whether the database's disk can be one of this machine's.
func (b *checker) isLocal() bool {
	switch mysql.Placed(b.Service.Database).Host {
	case "", "localhost", "127.0.0.1", "::1":
		return true
	}
	return b.Service.Database.DataDir != ""
}

// dataFolder finds the folder of the server's data on this machine. A server in
// a container names a folder of the container's: then it is Docker's own, where
// its volumes are.
func dataFolder(d config.Database) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		target, err := mysql.Resolve(d)
		if err != nil {
			return "", err
		}
		dir, err := mysql.DataFolder(ctx, target)
		if err != nil || dir != "" {
			return dir, err
		}
		for _, at := range []string{"/var/lib/docker/volumes", "/var/lib/docker"} {
			if isFolder(at) {
				return at, nil
			}
		}
		return "/", nil
	}
}
