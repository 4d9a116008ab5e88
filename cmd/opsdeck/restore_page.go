package main

import (
	"bytes"
	"context"
	"io"
	"strings"

	"opsdeck/internal/config"
	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
	"opsdeck/tui/page"
	"opsdeck/tui/restoreview"
)

// newRestorePage is the Restore tab of a service.
func newRestorePage(env *page.Env, a *app, s *config.Service) (*restoreview.Page, error) {
	d, err := a.deskOf(s)
	if err != nil {
		return nil, err
	}
	return restoreview.New(env, tabDesk{restores.Page{Desk: d}, a}), nil
}

// tabDesk is the desk of the Restore tab: it shows the output of two commands.
type tabDesk struct {
	restores.Page
	app *app
}

// command is a process of the tab's service, with its output in a language to these; it
// reads nothing.
func (t tabDesk) command(ctx context.Context, l *lang.Printer, out, err io.Writer) *app {
	flags := *t.app.flags
	flags.Service = t.Service.Name
	a := newApp(stdio{in: strings.NewReader(""), out: out, err: err}, t.app.getenv, &flags)
	a.clock = t.app.clock
	a.speak = func(string) {} // the console's language, whatever the configuration says
	a.lang = l
	a.until(ctx)
	return a
}

// Rescue is `restore rescue` of this service.
func (t tabDesk) Rescue(ctx context.Context, l *lang.Printer, p *restore.Plan, table, merge string) (
	restoreview.Rescued, error) {
	var out bytes.Buffer
	a := t.command(ctx, l, &out, io.Discard)
	c := restoreRescueCmd{Table: table, From: p.Source.Path, Limit: rescueShown, Merge: merge}
	if merge != "" {
		c.Confirm = t.Service.Database.Name // the person typed it
	}
	found, err := c.run(ctx, a)
	r := restoreview.Rescued{Text: out.String()}
	if found != nil {
		r.Said = rescueSaid(found)
		r.Tally = found.RescueTally
	}
	return r, err
}

// rescueShown is how many rows that differ the tab shows.
const rescueShown = 200

// Rewind plans to take a transaction back, or does it.
func (t tabDesk) Rewind(ctx context.Context, l *lang.Printer, txn, hash, conflicts string) (restore.Rewound, error) {
	if hash != "" {
		if err := t.Writable(); err != nil {
			return restore.Rewound{}, err
		}
	}
	var out bytes.Buffer
	a := t.command(ctx, l, &out, &out)
	sh, err := a.shelf()
	if err != nil {
		return restore.Rewound{}, err
	}
	r, err := sh.rewound(ctx, txn, hash, conflicts)
	r.Text = out.String()
	return r, err
}
