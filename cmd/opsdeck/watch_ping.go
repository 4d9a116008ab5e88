package main

import (
	"context"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/internal/redact"
	"opsdeck/ops/ping"
)

// beatEvery is how often the check of watch itself is told that it runs.
const beatEvery = time.Minute

// beat tells the dead-man's checks of watch that it runs, now and then every so often,
// until the function that it returns is called. A file that several services name is
// one check. What fails is said once, and once more when it works again.
func beat(
	ctx context.Context,
	p *printer,
	services []config.Service,
	every time.Duration,
) (stop func()) {
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
			p.note(lang.M("the ping of watch failed: %s", redact.Text(err.Error())))
			continue
		}
		all.Go(func() { beatOne(ctx, p, check, every) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}

func beatOne(ctx context.Context, p *printer, check *ping.Check, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed := false
	for {
		err := check.Alive(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failed:
			p.note(lang.M("the ping of watch failed: %s", redact.Text(err.Error())))
		case err == nil && failed:
			p.note(lang.M("the ping of watch works again"))
		}
		failed = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
