package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/lock"
	"opsdeck/internal/oplog"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
)

type operationsCmd struct {
	Verify bool `help:"Check the hash chain; exit 1 if a line was changed, removed or inserted."`
	Limit  int  `default:"50" placeholder:"N" help:"Show the newest N; 0 for all."`
	JSON   bool `name:"json" help:"Print JSON."`
}

// operationsJSON is the command's document.
type operationsJSON struct {
	Path       string          `json:"path"`
	Count      int             `json:"count"`
	Verified   bool            `json:"verified"`
	Problems   []oplog.Problem `json:"problems"`
	Operations []oplog.Entry   `json:"operations"`
}

// Run shows the record, newest last, as a log reads.
func (c *operationsCmd) Run(ctx context.Context, a *app) error {
	log, err := a.oplog(ctx)
	if err != nil {
		return err
	}
	entries, problems, err := log.Read()
	if held := (*lock.HeldError)(nil); errors.As(err, &held) {
		return err
	}
	if err != nil {
		return ops.Wrap(err, ops.Failed, lang.M("the record of operations cannot be read"))
	}
	all := len(entries)
	if c.Limit > 0 && all > c.Limit {
		entries = entries[all-c.Limit:]
	}
	if c.JSON {
		doc := operationsJSON{log.Path(), all, len(problems) == 0, problems, entries}
		if err := a.json(doc); err != nil {
			return err
		}
	} else {
		c.print(a, entries, all)
	}
	return c.verdict(a, log, problems, all)
}

func (c *operationsCmd) print(a *app, entries []oplog.Entry, all int) {
	if all == 0 {
		a.note(lang.M("opsdeck has not changed anything yet"))
		return
	}
	t := cells.Table{
		Head: []string{
			a.lang.T("time"),
			a.lang.T("who"),
			a.lang.T("service"),
			a.lang.T("action"),
			a.lang.T("object"),
			a.lang.T("result"),
		},
		Max: a.width(),
	}
	for _, e := range entries {
		t.Rows = append(
			t.Rows,
			[]string{
				e.Time.Local().Format("2006-01-02 15:04:05"),
				person(e),
				termsafe.Line(e.Service),
				termsafe.Line(e.Action),
				termsafe.Line(e.Object),
				termsafe.Line(e.Result),
			},
		)
	}
	fmt.Fprint(a.out, t)
}

// person names who stood behind an act: "root (li) from 10.0.0.9".
func person(e oplog.Entry) string {
	s := e.User
	if e.Sudo != "" {
		s += " (" + e.Sudo + ")"
	}
	if from, _, ok := strings.Cut(e.SSH, " "); ok {
		s += " @" + from
	}
	return termsafe.Line(s)
}

func (c *operationsCmd) verdict(a *app, log *oplog.Log, problems []oplog.Problem, all int) error {
	if len(problems) > 0 {
		var where []string
		for _, p := range problems[:min(5, len(problems))] {
			where = append(where, fmt.Sprintf("%d (%s)", p.Line, p.Kind))
		}
		err := ops.E(ops.Failed, lang.M("the record %s was altered at line %s", log.Path(), strings.Join(where, ", "))).
			WithHint(lang.M("compare it with a copy; a torn line means a crash, a broken chain means an edit"))
		if c.Verify {
			return err
		}
		a.note(err.What)
	} else if c.Verify && !c.JSON {
		a.note(lang.M("%d operations, hash chain intact", all))
	}
	return nil
}
