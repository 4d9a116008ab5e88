package alerts

import (
	"context"
	"slices"
	"strings"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/alert"
	"opsdeck/ops/health"
	"opsdeck/ops/notify"
)

// Sent is a message that would be sent.
type Sent struct {
	Key     string
	Target  config.Notify
	Message *alert.Message
}

// Preview looks at every check once and returns what would be sent, if all that is
// seen had lasted for as long as its rules ask, and the alerts that would fire with nobody to
// tell: their rules have no target. It changes and sends nothing.
func (w *Watcher) Preview(ctx context.Context) (planned []Sent, untold []alert.Alert, err error) {
	w.book, err = alert.Read(w.StateDir)
	if err != nil {
		return nil, nil, err
	}
	step := alert.Step{Now: w.Clock.Now(), Elapsed: time.Hour}
	for _, s := range w.watched {
		for _, x := range health.Once(ctx, s.Checks, w.Clock).Standings {
			r := s.checks[x.Check.Name]
			if !r.off {
				step.Sights = append(step.Sights, s.checkSight(r, x))
			}
		}
		step.Silences = append(step.Silences, w.auto(ctx, s, true)...)
	}
	for _, a := range w.book.Alerts { // of the logs: as they are
		if !slices.ContainsFunc(step.Sights, func(x alert.Sight) bool { return x.Fingerprint == a.Fingerprint }) {
			r := alert.Rule{Name: a.Rule, Service: a.Service}
			step.Sights = append(step.Sights, alert.Sight{Rule: &r, Fingerprint: a.Fingerprint, Unknown: true})
		}
	}
	w.book.Take(step)
	w.book.Take(step) // what waited for a cause
	w.book.Pack(w.Lang, step.Now, time.Hour, w.manner)
	for key, m := range w.book.Outbox {
		if s := w.senders[key]; s != nil {
			planned = append(planned, Sent{Key: key, Target: s.conf, Message: m})
		}
	}
	slices.SortFunc(planned, func(a, b Sent) int { return strings.Compare(a.Key, b.Key) })
	for _, x := range step.Sights {
		for _, a := range w.book.Alerts {
			if a.Fingerprint == x.Fingerprint && a.State == alert.Firing && len(x.Rule.Targets) == 0 &&
				len(a.Told.Targets) == 0 {
				untold = append(untold, a)
			}
		}
	}
	return planned, untold, nil
}

// Preview is a message as the target would get it, without what is secret.
func (one Sent) Preview(l *lang.Printer) string {
	m := Message(one.Message)
	target, err := notify.New(one.Target)
	if err != nil {
		return l.T("could not be notified: %s", err.Error()) + "\n" + one.Message.Text
	}
	return target.Preview(m)
}
