package backups

import (
	"errors"
	"fmt"

	"opsdeck/ops/binlog"
	"opsdeck/ops/restore/standby"
)

// standbyNeeds is what the standbys need that are kept.
type standbyNeeds struct {
	Loading map[string]bool // the backups that some are being built from
	Places  []binlog.Place  // from which on others need the log
}

// standbyNeeds asks the records of all services: their backups, and the logs of their
// servers, may be in one folder. It is an error where one cannot be read, beside what the
// others need.
func (sh *Shelf) standbyNeeds() (need standbyNeeds, err error) {
	need.Loading = map[string]bool{}
	for _, s := range sh.All.Services {
		if !s.Restore.Standby {
			continue
		}
		rec, lerr := standby.Store{StateDir: sh.StateDir, Service: s.Name}.Load()
		switch {
		case lerr != nil:
			err = errors.Join(err, fmt.Errorf("%s: %w", s.Name, lerr))
		case rec.State == standby.Building:
			need.Loading[rec.Backup] = true
		case rec.State == standby.Ready && rec.Place.File != "":
			need.Places = append(need.Places, rec.Place)
		}
	}
	return need, err
}
