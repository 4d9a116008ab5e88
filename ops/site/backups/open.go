// Package backups makes and keeps the backups of one service: the nightly run,
// verification, retention, copies elsewhere, drills, and the archived binary log.
package backups

import (
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/backup"
	"opsdeck/ops/site"
)

// Shelf is the backups of a service, with what is remembered of them.
type Shelf struct {
	*site.Site
	Dir    string
	Index  *backup.Index
	Daily  backup.Cron
	Reread Rereading
}

// Folder is where the backups of a service are; "" where none is configured.
func Folder(s *config.Service) string { return config.Home(s.Backup.Dir) }

// Open opens the backups of a service. Nothing is read aloud: see Aloud.
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

func ms(n int64) string { return human.Duration(time.Duration(n) * time.Millisecond) }
