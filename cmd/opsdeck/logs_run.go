package main

import (
	"bufio"
	"context"
	"errors"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/site"
)

// logsRun is one run of the command.
type logsRun struct {
	app    *app
	cmd    *logsCmd
	conf   logfile.Config
	query  *query.Query
	scan   index.Scan
	out    *bufio.Writer
	hits   int64
	style  func(source string) *line.Style
	unread bool      // a part of the logs could not be read
	last   index.Hit // the one printed before, for context lines and whole events

	sources  int  // how many are searched
	terminal bool // hits are shaped as on a terminal

	incomplete []string // the parts that could not be read, or not wholly, and why
}

func (r *logsRun) warn(part string, err error) {
	r.unread = true
	var known *ops.Error
	if errors.As(err, &known) {
		r.incomplete = append(r.incomplete, part+": "+site.Sentence(r.app.lang, known))
		r.app.note(lang.M("opsdeck: %s", site.Sentence(r.app.lang, known)))
		if !known.Hint.Empty() {
			r.app.note(lang.M("  → %s", known.Hint))
		}
		return
	}
	r.incomplete = append(r.incomplete, part+": "+err.Error())
	r.app.note(lang.M("opsdeck: %s: %s", part, err.Error()))
}

// bareLimit is how many events a bare `opsdeck logs` shows on a terminal.
const bareLimit = 200

// tail prints the newest n events in their order.
func (r *logsRun) tail(ctx context.Context, sources []logs.Source, n int) error {
	r.scan.Newest = true
	parser := line.NewParser(r.scan.Zone, r.scan.Now)
	var events []logs.Event
	err := r.scan.Each(ctx, sources, func(h *index.Hit) error {
		e, err := r.scan.Event(parser, h)
		if err != nil {
			return err
		}
		if events = append(events, e); len(events) == n {
			return index.ErrEnough
		}
		return nil
	})
	for i := len(events) - 1; i >= 0; i-- {
		r.hits++
		if r.cmd.JSON {
			r.json(&events[i])
		} else {
			r.event(&events[i])
		}
	}
	return err
}
