package daemon

import (
	"context"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/site"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/restores"
	"opsdeck/ops/site/standby"
)

// How often a standby is brought forward: a twentieth of its delay, within these.
var standbyEvery, standbyEveryAtMost = 5 * time.Second, time.Minute

// Keepers work on the standbys of the services that have one.
func (d Daemon) Keepers(services []config.Service, open func(*config.Service) (*site.Site, error)) (
	all []*standby.Keeper,
	err error,
) {
	for i := range services {
		s := &services[i]
		if !s.Restore.Standby || !checks.HasDatabase(s.Database) || s.Backup.Dir == "" {
			continue
		}
		at, err := open(s)
		if err != nil {
			return nil, err
		}
		desk, err := restores.Open(at)
		if err != nil {
			return nil, err
		}
		k := standby.Open(desk)
		k.Begun = func(c standby.Cost) error {
			for _, m := range c.Say() {
				d.Say(lang.M("%s: %s", s.Name, m))
			}
			return nil
		}
		all = append(all, k)
	}
	return all, nil
}

// KeepStandbys works on the standbys beside the scheduler. What it returns ends that and
// waits until the last statement of each is done.
func (d Daemon) KeepStandbys(ctx context.Context, all []*standby.Keeper) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, k := range all {
		wg.Go(func() { d.keepStandby(ctx, k) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// keepStandby runs round after round until ctx ends. The same trouble is told once.
func (d Daemon) keepStandby(ctx context.Context, k *standby.Keeper) {
	pace := min(max(k.Service.Restore.StandbyDelay/20, standbyEvery), standbyEveryAtMost)
	wait, said := pace, ""
	for ctx.Err() == nil {
		did, err := k.Run(ctx)
		if ctx.Err() != nil {
			return
		}
		now := lang.Msg{}
		switch {
		case err != nil:
			now = lang.M("the standby of %s has stopped: %s", k.Service.Name, termsafe.Line(d.Lang.Msg(why(err))))
			wait = min(2*wait, 10*standbyEveryAtMost)
		case !did.Paused.Empty():
			now = lang.M("the standby of %s pauses: %s", k.Service.Name, did.Paused)
			wait = pace
		default:
			wait = pace
			d.tellStandby(k.Service.Name, did)
		}
		if text := d.Lang.Msg(now); text != said {
			if said = text; text != "" {
				d.Say(now)
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// tellStandby narrates what is worth a line: builds and checks, not each transaction.
func (d Daemon) tellStandby(service string, did standby.Did) {
	did.Transactions = 0
	for _, m := range did.Texts() {
		d.Say(lang.M("%s: %s", service, m))
	}
}
