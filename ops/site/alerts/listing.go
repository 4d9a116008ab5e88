package alerts

import (
	"errors"
	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/alert"
	"opsdeck/ops/watch"
	"time"
)

// List is what is shown of the alerts in a state folder: the active ones, and those resolved
// after since. Service is the only one to show; "" shows all.
func List(dir, service string, since time.Time) (l alert.Listing, err error) {
	book, err := alert.Read(dir)
	if err != nil {
		return l, BookError(err)
	}
	l.Ran = !book.WrittenAt.IsZero()
	l.Alerts = book.Shown(since)
	l.Undelivered = book.Undelivered(since)
	if service != "" {
		l.Alerts = ofService(l.Alerts, service)
		l.Undelivered = toTargetsOf(l.Undelivered, service)
	}
	running, err := watch.Running(dir)
	l.Watching = running != nil
	return l, err
}

func ofService(alerts []alert.Alert, service string) (out []alert.Alert) {
	for _, a := range alerts {
		if a.Service == service {
			out = append(out, a)
		}
	}
	return out
}

// toTargetsOf are the messages to the targets of one service.
func toTargetsOf(missed []alert.Undelivered, service string) (out []alert.Undelivered) {
	for _, u := range missed {
		if alert.TargetNamed(u.Target, service, "*") {
			out = append(out, u)
		}
	}
	return out
}

// BookError is the error for people of a state file that cannot be used; any other
// stays as it is.
func BookError(err error) error {
	var bad *alert.UnusableError
	if !errors.As(err, &bad) {
		return err
	}
	if bad.Newer {
		return ops.E(ops.Failed, lang.M("the state of the alerts was written by a newer opsdeck: %s", bad.Path)).
			WithHint(lang.M("update opsdeck; `opsdeck watch` of this version sets the file aside"))
	}
	return ops.Wrap(bad.Err, ops.Failed, lang.M("the state of the alerts is damaged: %s", bad.Path)).
		WithHint(lang.M("start `opsdeck watch`: it sets the file aside and starts over"))
}
