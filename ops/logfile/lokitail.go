package logfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"opsdeck/internal/lang"
	"opsdeck/ops"
)

// Stream reads the range and goes on with what comes: by Loki's tail over a web
// socket, and while that cannot be had by asking again and again. It asks for every
// line: a filter would leave out those that continue what it finds.
func (l *loki) Stream(ctx context.Context, w *Lines) error {
	all := *l
	all.filter.Contains, all.filter.Matches = nil, nil
	from, _ := all.span()
	return all.goOn(ctx, w, lokiPlace{from: from})
}

// goOn reads what came since the place and what comes.
func (l *loki) goOn(ctx context.Context, w *Lines, at lokiPlace) error {
	wait := lokiPoll
	for ctx.Err() == nil {
		next, err := l.pages(ctx, w, at.from, l.now(), at.seen)
		if err != nil {
			if at.seen == nil || ctx.Err() != nil {
				return err // it never answered
			}
			w.Warn(err)
		}
		at = next
		began := time.Now()
		if at, err = l.tail(ctx, w, at); err != nil && ctx.Err() == nil && !errors.Is(err, errNoTail) {
			w.Warn(ops.Wrap(err, ops.Busy, lang.M("Loki's tail was interrupted; it continues from there")))
		}
		if wait = min(2*wait, 30*time.Second); errors.Is(err, errNoTail) || time.Since(began) > time.Minute {
			wait = lokiPoll
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

// lokiTailed is a message of the tail: GET /loki/api/v1/tail of Loki 3.
type lokiTailed struct {
	Streams []lokiStream `json:"streams"`
	Dropped []struct {
		Timestamp string            `json:"timestamp"`
		Labels    map[string]string `json:"labels"`
	} `json:"dropped_entries"`
}

// tail reads messages until the connection ends. What was seen is left out.
func (l *loki) tail(ctx context.Context, w *Lines, at lokiPlace) (lokiPlace, error) {
	v := url.Values{
		"query": {l.filter.logQL(l.selector)},
		"start": {strconv.FormatInt(at.from.UnixNano(), 10)},
		"limit": {strconv.Itoa(lokiLimit)},
	}
	dialling, cancel := context.WithTimeout(ctx, 10*time.Second)
	conn, _, err := websocket.Dial(
		dialling,
		strings.Replace(l.base, "http", "ws", 1)+"/loki/api/v1/tail?"+v.Encode(),
		nil,
	)
	cancel()
	if err != nil {
		return at, errNoTail
	}
	defer conn.CloseNow()
	conn.SetReadLimit(256 << 20)
	for {
		_, body, err := conn.Read(ctx)
		if err != nil {
			return at, err
		}
		var m lokiTailed
		if err := json.Unmarshal(body, &m); err != nil {
			return at, fmt.Errorf("read Loki's tail: %w", err)
		}
		if n := len(m.Dropped); n > 0 {
			w.Drop(int64(n))
		}
		entries, err := inOrder(m.Streams)
		if err != nil {
			return at, err
		}
		if at, err = at.pass(w, entries); err != nil {
			return at, err
		}
	}
}

// pass writes the entries that were not seen, and moves the place on.
func (p lokiPlace) pass(w io.Writer, entries []lokiEntry) (lokiPlace, error) {
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
		if _, err := io.WriteString(w, lokiLine(e)); err != nil {
			return p, err
		}
	}
	if len(p.seen) > 4*lokiLimit { // forget what lies too far back to come again
		since := strconv.FormatInt(last.Add(-lokiLag).UnixNano(), 36)
		for id := range p.seen {
			if len(id) >= len(since) && id[:len(since)] < since {
				delete(p.seen, id)
			}
		}
	}
	p.from = later(p.from, last.Add(-lokiLag))
	return p, nil
}
