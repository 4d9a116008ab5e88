package deploys

import (
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/oplog"
	"opsdeck/ops/alert"
)

// A silence is short and asked for again while the deployment runs, so that the alerts
// of one that was killed are told soon.
const (
	quietLimit = 3 * time.Minute
	quietAgain = time.Minute
)

// Quiet silences the alerts of the service while it is deployed: its stop and its start
// are no news. The returned function ends the silence. A silence that cannot be
// recorded is told, and keeps nothing from being deployed.
func (d *Desk) Quiet(deployment string) (end func()) {
	ask := func(o alert.Order) string {
		o.Service = d.Service.Name
		o.Rule = "*"
		o.At = d.Clock.Now()
		o.By = oplog.UserName()
		id, err := alert.Ask(d.StateDir, o)
		if err != nil {
			d.Say(lang.M("the alerts cannot be silenced: %s", err.Error()))
			return ""
		}
		return id
	}
	why := alert.Say(lang.M("deployment %s", deployment))
	silence := func() string {
		return ask(alert.Order{Kind: alert.OrderSilence, Until: d.Clock.Now().Add(quietLimit), Why: why})
	}
	own := silence()
	if own == "" {
		return func() {}
	}
	over := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for again := time.NewTicker(quietAgain); ; {
			select {
			case <-over:
				again.Stop()
				return
			case <-again.C:
				silence()
			}
		}
	})
	return func() {
		close(over)
		asking.Wait()
		for _, silence := range d.silencesOf(why, own) {
			ask(alert.Order{Kind: alert.OrderUnsilence, Silence: silence})
		}
	}
}

// silencesOf are the silences of a deployment that are in force: its own, and those
// that its killed runs left.
func (d *Desk) silencesOf(why alert.Text, own string) []string {
	book, err := alert.Read(d.StateDir)
	if err != nil {
		return []string{own}
	}
	var out []string
	for _, s := range book.Open(d.Clock.Now()) {
		if s.Why == why {
			out = append(out, s.ID)
		}
	}
	return out
}
