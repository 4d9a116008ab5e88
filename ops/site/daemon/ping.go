package daemon

import (
	"context"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/ping"
)

// BeatEvery is how often the check of watch itself is told that it runs.
const BeatEvery = time.Minute

// Beat tells the dead-man's checks of watch that it runs, now and then every so often,
// until the function that it returns is called. A file that several services name is
// one check. What fails is said once, and once more when it works again.
func (d Daemon) Beat(ctx context.Context, services []config.Service, every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	seen := map[string]bool{"": true}
	for _, s := range services {
		file := s.Pings.Watch
		if seen[file] {
			continue
		}
		seen[file] = true
		check, err := ping.Open(file)
		if err != nil {
			d.Say(lang.M("the ping of watch failed: %s", redact.Text(err.Error())))
			continue
		}
		all.Go(func() { d.beatOne(ctx, check, every) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

func (d Daemon) beatOne(ctx context.Context, check *ping.Check, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed := false
	for {
		err := check.Alive(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failed:
			d.Say(lang.M("the ping of watch failed: %s", redact.Text(err.Error())))
		case err == nil && failed:
			d.Say(lang.M("the ping of watch works again"))
		}
		failed = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
