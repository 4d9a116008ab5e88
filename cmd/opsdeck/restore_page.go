package main

import (
	"bytes"
	"context"
	"io"
	"strings"

	"opsdeck/internal/lang"
	"opsdeck/ops/restore"
	"opsdeck/ops/site/restores"
)

// verbsOfTab are the commands whose output the Restore tab shows.
func verbsOfTab(a *app, d *restores.Desk) restores.Verbs {
	service := d.Service
	return restores.Verbs{
		Rescue: func(ctx context.Context, l *lang.Printer, p *restore.Plan, table, merge string) (
			r restore.RescueShown, err error) {
			var out bytes.Buffer
			c := restoreRescueCmd{Table: table, From: p.Source.Path, Limit: rescueShown, Merge: merge}
			if merge != "" {
				c.Confirm = service.Database.Name // the person typed it
			}
			found, err := c.run(ctx, a.inTab(ctx, service.Name, l, &out, io.Discard))
			r.Text = out.String()
			if found != nil {
				r.Said = rescueSaid(found)
				r.Tally = found.RescueTally
			}
			return r, err
		},
		Rewind: func(ctx context.Context, l *lang.Printer, txn, hash, conflicts string) (restore.Rewound, error) {
			var out bytes.Buffer
			sh, err := a.inTab(ctx, service.Name, l, &out, &out).shelf()
			if err != nil {
				return restore.Rewound{}, err
			}
			r, err := sh.rewound(ctx, txn, hash, conflicts)
			r.Text = out.String()
			return r, err
		},
	}
}

// rescueShown is how many rows that differ the tab shows.
const rescueShown = 200

// inTab is this program for a command about a tab's service, with its output in a language
// to these; it reads nothing.
func (a *app) inTab(ctx context.Context, service string, l *lang.Printer, out, err io.Writer) *app {
	flags := *a.flags
	flags.Service = service
	tab := newApp(stdio{in: strings.NewReader(""), out: out, err: err}, a.getenv, &flags)
	tab.clock = a.clock
	tab.speak = func(string) {} // the console's language, whatever the configuration says
	tab.lang = l
	tab.until(ctx)
	return tab
}
