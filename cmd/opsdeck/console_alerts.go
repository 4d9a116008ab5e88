package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opsdeck/ops/alert"
	"opsdeck/ops/site/alerts"
	"opsdeck/tui/statusview"
)

// consoleAlerts takes what an operator says of the alerts in the console.
type consoleAlerts struct {
	app *app
	dir string
	ask func(alert.Order) error
}

// alertsOfConsole lets the Status tab list, acknowledge and silence alerts.
func alertsOfConsole(ctx context.Context, a *app, p *statusview.Page) {
	dir, err := a.stateDir()
	if err != nil {
		return // told by the checks
	}
	p.WithAlerts(consoleAlerts{a, dir, func(o alert.Order) error {
		if !watchRan(dir) { // there is nobody to ask
			return errors.New(a.lang.T("alerts unknown: `opsdeck watch` has never run with this state folder"))
		}
		return ask(ctx, a, o)
	}})
}

// watchRan tells whether watch ever ran with a state folder.
func watchRan(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, alert.File))
	return err == nil
}

// List reads what watch keeps.
func (c consoleAlerts) List(back time.Duration) (l alert.Listing, err error) {
	if l.Ran = watchRan(c.dir); !l.Ran {
		return l, nil
	}
	now := c.app.clock.Now()
	if l, err = alerts.List(c.dir, c.app.flags.Service, now.Add(-back)); err != nil {
		return l, err
	}
	l.Ran = true
	l.Undelivered = slices.DeleteFunc(l.Undelivered, func(u alert.Undelivered) bool { return !u.News(now) })
	return l, nil
}

// Ack acknowledges the alerts of a rule.
func (c consoleAlerts) Ack(service, rule string) error {
	return c.ask(alert.Order{Kind: alert.OrderAck, Service: service, Rule: rule})
}

// Silence silences a rule.
func (c consoleAlerts) Silence(service, rule string, d time.Duration) error {
	until := c.app.clock.Now().Add(d)
	why := alert.Text{EN: c.app.lang.T("in the console")}
	return c.ask(alert.Order{Kind: alert.OrderSilence, Service: service, Rule: rule, Until: until, Why: why})
}
