package logfile

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"opsdeck/ops/logs/query"
	logstore "opsdeck/ops/logs/store"
)

// Limits for a server's logs in the console.
const (
	serverRecent = 100_000                // lines that are read without a request
	serverFound  = 20_000                 // older lines that a query finds
	serverDepth  = 30 * 24 * time.Hour    // how far back a query without a since goes
	serverPause  = 300 * time.Millisecond // how long a query must be unchanged
)

// feed fills a store with the newest lines, follows, and fetches older lines that match
// the store's query: for the time before the local lines, the query is pushed down to the
// server.
func (l *server) feed(ctx context.Context, store *logstore.Store, source string) error {
	asked := make(chan *query.Query, 1)
	stop := store.OnQuery(func(q *query.Query) {
		select {
		case <-asked: // a newer query replaces the older one
		default:
		}
		asked <- q
	})
	defer stop()
	seen := map[entry]bool{}
	first, older, err := l.first(ctx, store, seen)
	if err != nil {
		return err
	}
	sp, err := newSpool()
	if err != nil {
		return err
	}
	seg := store.Add(source, l.name, sp, true, false)
	lines := &Lines{
		spool: sp,
		grow:  func(size int64) { seg.Grow(size, nil) },
		warn:  func(err error) { store.Fail(l.name, err) },
		drop:  store.Drop,
	}
	at := place{from: l.now().Add(-l.lag()), seen: map[string]bool{}}
	if len(first) > 0 {
		at.from = time.Unix(0, first[0].ns)
	}
	if at, err = l.pass(lines, at, first); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		older = l.recent(ctx, store, source, older, seen)
		l.answer(ctx, store, source, older, seen, asked)
	}()
	err = l.goOn(ctx, lines, at)
	<-done
	seg.Finish()
	return err
}

// serverRetry is the retry interval for a server that does not respond.
const serverRetry = 5 * time.Second

// first reads the newest lines, as soon as the server responds.
func (l *server) first(
	ctx context.Context,
	store *logstore.Store,
	seen map[entry]bool,
) (entries []entry, older time.Time, err error) {
	for {
		to := l.now()
		entries, older, err = l.back(ctx, Filter{}, to.Add(-serverPast), to, l.limit(), seen)
		if err == nil || ctx.Err() != nil {
			return entries, older, err
		}
		if store.Fail(l.name, err); errors.Is(err, errCrowded) {
			return entries, older, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(serverRetry):
		}
	}
}

// recent fetches the lines before the first ones, and returns the time before which lines
// are not fetched.
func (l *server) recent(
	ctx context.Context,
	store *logstore.Store,
	source string,
	older time.Time,
	seen map[entry]bool,
) time.Time {
	entries, left, err := l.back(ctx, Filter{}, l.now().Add(-serverPast), older.Add(1), l.recently, seen)
	if err != nil {
		store.Fail(l.name, err)
	}
	if err != nil && !errors.Is(err, errCrowded) {
		return older
	}
	if sp, err := spoolEntries(entries); err != nil {
		store.Fail(l.name, err)
	} else if sp != nil {
		store.Add(source, l.name, sp, false, true)
	}
	return left
}

// back reads up to about n entries before to, page after page, newest first, except those
// already seen; the result is in time order. With errCrowded, it has what the server
// returns.
func (l *server) back(
	ctx context.Context,
	f Filter,
	from, to time.Time,
	n int,
	seen map[entry]bool,
) (all []entry, older time.Time, err error) {
	var left error // of what the server does not return
	for len(all) < n && from.Before(to) {
		page, err := l.page(ctx, f, from, to, true)
		if err != nil {
			return nil, to, err
		}
		fresh := page[:0:0]
		for _, e := range page {
			if !seen[e] {
				seen[e] = true
				fresh = append(fresh, e)
			}
		}
		all = append(fresh, all...)
		if len(page) < l.limit() {
			return all, from, left
		}
		next := time.Unix(0, page[0].ns+1)
		if len(fresh) == 0 || !next.Before(to) {
			next = time.Unix(0, min(page[0].ns, to.UnixNano()-1))
			if page[0].ns == page[len(page)-1].ns {
				left = l.crowded(time.Unix(0, page[0].ns))
			}
		}
		to = next
	}
	return all, to, left
}

// spoolEntries makes a text from entries; nil if there are none.
func spoolEntries(entries []entry) (*spool, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	sp, err := newSpool()
	if err != nil {
		return nil, err
	}
	for batch := range slices.Chunk(together(entries), 1000) {
		var text strings.Builder
		for _, e := range batch {
			text.WriteString(entryLine(e))
		}
		if _, err := io.WriteString(sp, text.String()); err != nil {
			sp.Close()
			return nil, err
		}
	}
	return sp, nil
}

// answer fetches each query's older lines and shows them before the recent ones, until the
// next query.
func (l *server) answer(
	ctx context.Context,
	store *logstore.Store,
	source string,
	older time.Time,
	seen map[entry]bool,
	asked <-chan *query.Query,
) {
	var shown *logstore.Segment
	var found chan *spool
	cancel := func() {}
	defer func() { cancel() }()
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	var q *query.Query
	for {
		select {
		case <-ctx.Done():
			return
		case q = <-asked:
			cancel()
			cancel = func() {}
			found = nil
			if shown != nil {
				shown.Discard()
				shown = nil
			}
			timer.Reset(serverPause)
		case <-timer.C:
			f := Push(q)
			if !f.narrows() {
				f.Matches = f.Likely
			}
			if !f.narrows() {
				continue
			}
			asking, stop := context.WithCancel(ctx)
			cancel = stop
			found = make(chan *spool, 1)
			go l.find(asking, store, f, older, maps.Clone(seen), found)
		case sp := <-found:
			shown = store.Add(source, l.name, sp, false, true)
			found = nil
		}
	}
}

// find requests the lines that match a filter from before the local ones.
func (l *server) find(
	ctx context.Context,
	store *logstore.Store,
	f Filter,
	before time.Time,
	seen map[entry]bool,
	found chan<- *spool,
) {
	from := f.Since
	if from.IsZero() {
		from = l.now().Add(-serverDepth)
	}
	if !f.Until.IsZero() && f.Until.Before(before) {
		before = f.Until
	}
	here := maps.Clone(seen)
	entries, _, err := l.back(ctx, f, from, before, serverFound, seen)
	if err == nil || errors.Is(err, errCrowded) {
		var around error
		entries, around = l.whole(ctx, entries)
		err = cmp.Or(err, around)
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return here[e] })
	if ctx.Err() != nil {
		return
	}
	sp, err2 := spoolEntries(entries)
	if err = errors.Join(err, err2); err != nil {
		store.Fail(l.name, err)
	}
	if sp != nil {
		found <- sp
	}
}
