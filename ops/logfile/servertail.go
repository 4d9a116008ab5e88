package logfile

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Stream reads the range and follows: with the live tail, and while that is not available
// by polling. It requests every line: a filter would exclude the continuation lines of
// what it finds.
func (l *server) Stream(ctx context.Context, w *Lines) error {
	all := *l
	all.filter.Contains, all.filter.Matches = nil, nil
	from, _ := all.span()
	return all.goOn(ctx, w, place{from: from})
}

// goOn reads what is new since the place, and follows.
func (l *server) goOn(ctx context.Context, w *Lines, at place) error {
	wait := serverPoll
	for ctx.Err() == nil {
		next, err := l.pages(ctx, w, at.from, l.now(), at.seen)
		if err != nil {
			if ctx.Err() != nil || at.seen == nil && !errors.Is(err, errCrowded) {
				return err // it never responded
			}
			w.Warn(err)
		}
		at = next
		began := time.Now()
		err = l.api.tail(ctx, l, at, func(entries []entry, dropped int64) (err error) {
			if dropped > 0 {
				w.Drop(dropped)
			}
			at, err = l.pass(w, at, entries)
			return err
		})
		if err != nil && ctx.Err() == nil && !errors.Is(err, errNoTail) {
			w.Warn(ops.Wrap(err, ops.Busy,
				lang.M("%s's live tail was interrupted; it continues from there", l.program())))
		}
		if wait = min(2*wait, 30*time.Second); errors.Is(err, errNoTail) || time.Since(began) > time.Minute {
			wait = serverPoll
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return nil
}

// errNoTail: the server, or a proxy before it, does not support tailing.
var errNoTail = errors.New("no tail")

// seenMax is the number of entries to remember before older ones are forgotten.
const seenMax = 20_000

// pass writes the entries that were not seen, and advances the place.
func (l *server) pass(w io.Writer, p place, entries []entry) (place, error) {
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	last := p.from
	for _, e := range together(entries) {
		id := e.id()
		if p.seen[id] {
			continue
		}
		p.seen[id] = true
		last = later(last, time.Unix(0, e.ns))
		if _, err := io.WriteString(w, entryLine(e)); err != nil {
			return p, err
		}
	}
	if len(p.seen) > seenMax { // forget what is too old to be returned again
		since := strconv.FormatInt(last.Add(-l.lag()).UnixNano(), 36)
		for id := range p.seen {
			if len(id) >= len(since) && id[:len(since)] < since {
				delete(p.seen, id)
			}
		}
	}
	p.from = later(p.from, last.Add(-l.lag()))
	return p, nil
}
