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

// Stream reads the range and goes on with what comes: by its live tail, and
// while that cannot be had by asking again and again. It asks for every line: a filter
// would leave out those that continue what it finds.
func (l *server) Stream(ctx context.Context, w *Lines) error {
	all := *l
	all.filter.Contains, all.filter.Matches = nil, nil
	from, _ := all.span()
	return all.goOn(ctx, w, place{from: from})
}

// goOn reads what came since the place and what comes.
func (l *server) goOn(ctx context.Context, w *Lines, at place) error {
	wait := serverPoll
	for ctx.Err() == nil {
		next, err := l.pages(ctx, w, at.from, l.now(), at.seen)
		if err != nil {
			if ctx.Err() != nil || at.seen == nil && !errors.Is(err, errCrowded) {
				return err // it never answered
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
			w.Warn(ops.Wrap(err, ops.Busy, lang.M("%s's live tail was interrupted; it continues from there", l.program())))
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

// errNoTail: the server, or a proxy before it, does not let one tail.
var errNoTail = errors.New("no tail")

// seenMax is how many entries are remembered until older ones are forgotten.
const seenMax = 20_000

// pass writes the entries that were not seen, and moves the place on.
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
	if len(p.seen) > seenMax { // forget what lies too far back to come again
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
