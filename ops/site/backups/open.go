// Package backups makes and keeps the backups of one service: the nightly run,
// verification, retention, offsite copies, drills, and the binlog archive.
package backups

import (
	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site"
)

// Shelf is a service's backups and their records.
type Shelf struct {
	*site.Site
	Dir    string
	Index  *backup.Index
	Daily  backup.Cron
	Reread Rereading
}

// Folder is a service's backup folder; "" if none is configured.
func Folder(s *config.Service) string { return config.Home(s.Backup.Dir) }

// Open opens a service's backups. It does not report re-reading; see Aloud.
func Open(s *site.Site) (*Shelf, error) {
	sh := &Shelf{Site: s, Dir: Folder(s.Service), Reread: Aside}
	if sh.Dir == "" {
		return nil, ops.E(ops.Config, lang.M("no backup folder is configured for %s", s.Service.Name)).
			WithHint(lang.M("set backup.dir in the configuration"))
	}
	var err error
	if sh.Index, err = backup.OpenIndex(s.StateDir, sh.Dir); err != nil {
		return nil, ops.Wrap(err, ops.Failed, lang.M("the index of verified backups cannot be read"))
	}
	if sh.Daily, err = backup.ParseCron(s.Service.Backup.Daily); err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("backup.daily is not a schedule"))
	}
	return sh, nil
}
