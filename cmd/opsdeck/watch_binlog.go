package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/site/backups"
	"opsdeck/ops/site/checks"
)

// A follower that ended is begun again after the first of these, then after twice as
// long each time, up to the second.
var followAgain, followAgainAtMost = 5 * time.Second, 2 * time.Minute

// followedBinlogs are the services whose binary log is archived by watch; open opens the
// backups of one.
func followedBinlogs(
	services []config.Service,
	open func(*config.Service) (*shelf, error),
) (shelves []*shelf, err error) {
	for i := range services {
		if services[i].Backup.Binlog != "follow" || !checks.HasDatabase(services[i].Database) {
			continue
		}
		sh, err := open(&services[i])
		if err != nil {
			return nil, err
		}
		shelves = append(shelves, sh)
	}
	return shelves, nil
}

// followBinlogs archives the binary logs of these services beside the scheduler. What it
// returns ends that and waits until each is on disk.
func followBinlogs(ctx context.Context, p *printer, shelves []*shelf) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, sh := range shelves {
		wg.Go(func() { followBinlog(ctx, p, sh) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// followBinlog archives one binary log until ctx ends, again and again.
func followBinlog(ctx context.Context, p *printer, sh *shelf) {
	wait, said := followAgain, ""
	for ctx.Err() == nil {
		began := time.Now()
		err := sh.followOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > followAgainAtMost {
			wait, said = followAgain, ""
		}
		if text := p.lang.Msg(why(err)); text != said {
			said = text
			p.note(lang.M("the binlog of %s is not being archived: %s", sh.Service.Name, termsafe.Line(text)))
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
func (sh *shelf) followOnce(ctx context.Context) error {
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
