package main

import (
	"context"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops/site/checks"
	"opsdeck/ops/site/restores"
	"opsdeck/ops/site/standby"
)

// How often a standby is brought forward: a twentieth of its delay, within these.
var standbyEvery, standbyEveryAtMost = 5 * time.Second, time.Minute

// standbyKeepers work on the standbys that watch keeps; open opens the restore desk of a service.
func standbyKeepers(
	p *printer,
	services []config.Service,
	open func(*config.Service) (*restores.Desk, error),
) (all []*standby.Keeper, err error) {
	for i := range services {
		s := &services[i]
		if !s.Restore.Standby || !checks.HasDatabase(s.Database) || s.Backup.Dir == "" {
			continue
		}
		d, err := open(s)
		if err != nil {
			return nil, err
		}
		k := standby.Open(d)
		k.Begun = func(c standby.Cost) error {
			for _, m := range c.Say() {
				p.note(lang.M("%s: %s", s.Name, m))
			}
			return nil
		}
		all = append(all, k)
	}
	return all, nil
}

// keepStandbys works on the standbys beside the scheduler. What it returns ends that and
// waits until the last statement of each is done.
func keepStandbys(ctx context.Context, p *printer, all []*standby.Keeper) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, k := range all {
		wg.Go(func() { keepStandby(ctx, p, k) })
	}
	return func() {
		cancel()
		wg.Wait()
	}
}

// keepStandby runs round after round until ctx ends. The same trouble is told once.
func keepStandby(ctx context.Context, p *printer, k *standby.Keeper) {
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
			now = lang.M("the standby of %s has stopped: %s", k.Service.Name, termsafe.Line(p.lang.Msg(why(err))))
			wait = min(2*wait, 10*standbyEveryAtMost)
		case !did.Paused.Empty():
			now = lang.M("the standby of %s pauses: %s", k.Service.Name, did.Paused)
			wait = pace
		default:
			wait = pace
			tellStandby(p, k.Service.Name, did)
		}
		if text := p.lang.Msg(now); text != said {
			if said = text; text != "" {
				p.note(now)
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// tellStandby narrates what is worth a line: builds and checks, not each transaction.
func tellStandby(p *printer, service string, did standby.Did) {
	did.Transactions = 0
	sayRound(did, func(m lang.Msg) { p.note(lang.M("%s: %s", service, m)) })
}
