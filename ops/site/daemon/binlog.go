package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/site"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/checks"
)

// A follower that ended is begun again after the first of these, then after twice as
// long each time, up to the second.
var followAgain, followAgainAtMost = 5 * time.Second, 2 * time.Minute

// Followed are the backups of the services whose binary log watch archives.
func Followed(services []config.Service, open func(*config.Service) (*site.Site, error)) (
	shelves []*backups.Shelf,
	err error,
) {
	for i := range services {
		if services[i].Backup.Binlog != "follow" || !checks.HasDatabase(services[i].Database) {
			continue
		}
		sh, err := shelfOf(&services[i], open)
		if err != nil {
			return nil, err
		}
		shelves = append(shelves, sh)
	}
	return shelves, nil
}

// FollowBinlogs archives the binary logs of these services beside the scheduler. What it
// returns ends that and waits until each is on disk.
func (d Daemon) FollowBinlogs(ctx context.Context, shelves []*backups.Shelf) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, sh := range shelves {
		wg.Go(func() { d.followBinlog(ctx, sh) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// followBinlog archives one binary log until ctx ends, again and again.
func (d Daemon) followBinlog(ctx context.Context, sh *backups.Shelf) {
	wait, said := followAgain, ""
	for ctx.Err() == nil {
		began := time.Now()
		err := followOnce(ctx, sh)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > followAgainAtMost {
			wait, said = followAgain, ""
		}
		if text := d.Lang.Msg(why(err)); text != said {
			said = text
			d.Say(lang.M("the binlog of %s is not being archived: %s", sh.Service.Name, termsafe.Line(text)))
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = min(2*wait, followAgainAtMost)
	}
}

// why is an error in a sentence.
func why(err error) lang.Msg {
	var known *ops.Error
	switch {
	case err == nil:
		return lang.M("the archiving process ended")
	case errors.As(err, &known):
		return known.What
	}
	return lang.Raw(err.Error())
}

// followOnce follows until something ends it.
func followOnce(ctx context.Context, sh *backups.Shelf) error {
	o, err := sh.Binlog().BinlogOptions(ctx, "watch")
	if err != nil {
		return err
	}
	o.Follow, o.Tell = true, sh.Binlog().TellBinlog
	err = sh.Offsite().FollowBinlog(ctx, o, backups.CopyBinlogEvery)
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return sh.Binlog().BinlogError(err)
}
