package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"opsdeck/ops/alert"
	"opsdeck/tui/statusview"
)

// consoleAlerts takes what an operator says of the alerts in the console.
type consoleAlerts struct {
	app *app
	ask func(alert.Order) error
}

// alertsOfConsole lets the Status tab acknowledge and silence, where watch ran.
func (a *app) alertsOfConsole(ctx context.Context, p *statusview.Page) {
	dir, err := a.stateDir()
	if err != nil {
		return // told by the checks
	}
	if _, err := os.Stat(filepath.Join(dir, alert.File)); err == nil {
		p.WithAlerts(consoleAlerts{a, func(o alert.Order) error { return a.ask(ctx, dir, o) }})
	}
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
