package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"opsdeck/internal/cells"
	"opsdeck/internal/lang"
	"opsdeck/internal/termsafe"
	"opsdeck/ops"
	"opsdeck/ops/health"
)

// minWatch keeps a slip of the finger from being a load test.
const minWatch = 100 * time.Millisecond

// changeJSON is a line of NDJSON of --watch --json.
type changeJSON struct {
	Time time.Time  `json:"time"`
	From *ops.State `json:"from"` // null at the first look
	checkJSON
}

// watch follows the checks until the context ends: a live table on a terminal,
// a line a change elsewhere.
func (c *statusCmd) watch(ctx context.Context, a *app, view statusView, checks []health.Check, rule health.Rule) error {
	m := health.Watch(ctx, checks, health.Options{Clock: a.clock, Rule: rule, Retry: min(c.Watch, time.Second)})
	defer m.Close()
	signal, end := m.Signal()
	defer end()
	var show interface{ update(health.Report) error } = &changeLines{view: view, json: c.JSON,
		last: map[string]ops.State{}}
	if isTerminal(a.out) && !c.JSON && a.getenv("TERM") != "dumb" {
		live := &liveTable{view: view}
		live.begin()
		defer live.end()
		show = live
	}
	for {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return exitCode(m.Report().Told().ExitCode())
			}
			return ctx.Err()
		case <-signal:
			if err := show.update(m.Report()); err != nil {
				return err
			}
		}
	}
}

// changeLines prints a line for every change of a check's state.
type changeLines struct {
	view statusView
	json bool
	last map[string]ops.State
}

func (l *changeLines) update(r health.Report) error {
	for _, s := range r.Standings {
		before, known := l.last[s.Check.ID()]
		if !s.Seen() || known && before == s.State {
			continue
		}
		l.last[s.Check.ID()] = s.State
		if err := l.print(s, before, known); err != nil {
			return err
		}
	}
	return nil
}

func (l *changeLines) print(s health.Standing, before ops.State, known bool) error {
	v := l.view
	if l.json {
		line := changeJSON{Time: s.Since, checkJSON: v.check(s)}
		if known {
			line.From = &before
		}
		return v.ndjson(line)
	}
	change := v.lang.Msg(s.State.Label())
	if known {
		change = v.lang.Msg(before.Label()) + v.drawn(" → ") + change
	}
	_, err := fmt.Fprintf(v.out, "%s  %s  %s  %s\n", s.Since.Format(time.RFC3339),
		cells.Pad(termsafe.Line(v.name(s)), 12), cells.Pad(change, 20), termsafe.Line(v.say(s.Last.Detail)))
	return err
}

// liveTable draws the whole status in place, and only when it has changed.
type liveTable struct {
	view statusView
	last string
}

func (l *liveTable) begin() { fmt.Fprint(l.view.out, "\x1b[?1049h\x1b[?25l") }
func (l *liveTable) end()   { fmt.Fprint(l.view.out, "\x1b[?25h\x1b[?1049l"+l.last) }

func (l *liveTable) update(r health.Report) error {
	v := l.view
	lines := v.lines(r, v.judge(r))
	text := strings.Join(lines, "\n") + "\n"
	if text == l.last {
		return nil
	}
	l.last = text
	fit := lines
	if _, h := v.size(); h > 2 && len(fit) > h-1 {
		fit = append(append([]string{}, fit[:h-2]...), v.lang.Msg(lang.M("… %d more lines: make the window taller",
			len(lines)-(h-2))))
	}
	_, err := fmt.Fprint(v.out, "\x1b[H"+strings.Join(fit, "\x1b[K\n")+"\x1b[K\n\x1b[J")
	return err
}
