package main

import (
	"bufio"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"opsdeck/internal/lang"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/site/reading"
)

// Run searches, and follows when asked. No hit is no failure, as for the other
// commands that look something up; --fail-if-none makes it one, as grep does.
// No hit in logs of which a part could not be read is one, too, and so is their count.
func (c *logsCmd) Run(ctx context.Context, a *app) error {
	q, err := c.query(a)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	conf, err := c.config(a, q)
	if err != nil {
		return err
	}
	styles, err := c.styles(a)
	if err != nil {
		return err
	}
	conf.Found, conf.Shelf = styles.Note, reading.Shelf(a.stateDir, a.clock, time.Local, styles)
	words := strings.Join(c.Query, " ") + c.Exact + c.Regexp
	conf.Whole = strings.ContainsFunc(words, func(r rune) bool { return r >= utf8.RuneSelf })
	var foreign []byte
	if conf.Whole && c.oneWord(q) {
		foreign = logfile.InChinese(c.Exact)
		conf.Whole = foreign == nil // the search looks for them as it goes
	}
	conf.Told = func(m lang.Msg) { a.note(m) }
	sources, err := conf.Resolve(ctx, c.Source)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	run := &logsRun{
		app:   a,
		cmd:   c,
		conf:  conf,
		query: q,
		out:   out,
		style: styles.Of,

		terminal: isTerminal(a.out),
		scan:     index.Scan{Query: q, Zone: time.Local, Now: a.clock.Now(), Newest: c.Newest, Unnumbered: !c.JSON},
	}
	if !c.JSON && !c.Count && c.Histogram == 0 || c.logsStat.asked() {
		run.scan.Query = q.Events()
	}
	run.sources = len(sources)
	run.scan.Foreign = foreign
	run.scan.Warn, run.scan.Styles = run.warn, styles.Of
	if conf.Shelf != nil {
		run.scan.Shelf = conf.Shelf
	}
	if m := q.Unkeyed(); !m.Empty() {
		a.note(m)
	}
	err = run.do(ctx, sources)
	if err == nil && c.JSON && len(run.incomplete) > 0 && !run.saysIncomplete() {
		err = run.notWhole()
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err == nil && run.hits == 0 && !c.JSON && q.Unkeyed().Empty() {
		run.advise(ctx, sources)
	}
	none := run.hits == 0 && (c.FailIfNone || run.unread)
	if err == nil && (none || c.Count && run.unread) {
		err = exitCode(1)
	}
	return err
}

// oneWord tells that the lines of files with one exact word are counted or printed, and nothing
// else is asked of them.
func (c *logsCmd) oneWord(q *query.Query) bool {
	_, literal := q.Literal()
	before, after := c.context()
	other := before > 0 || after > 0 || c.Compare != "" || c.Pairs != "" || c.logsStat.asked() || c.Histogram > 0 ||
		c.Explain || c.Follow || c.Rank
	return !other && literal && q.OneExact() && !q.HasTests() && c.Exact != "" && len(c.Query) == 0 &&
		!slices.Contains(c.Source, "-")
}

func (r *logsRun) do(ctx context.Context, sources []logs.Source) error {
	switch {
	case r.cmd.Compare != "":
		return r.compare(ctx, sources)
	case r.cmd.Pairs != "":
		return r.pairs(ctx, sources)
	case r.cmd.logsStat.asked():
		return r.numbers(ctx, sources)
	case r.cmd.Count:
		return r.count(ctx, sources)
	case r.cmd.Histogram > 0:
		return r.histogram(ctx, sources)
	case r.cmd.Explain:
		return r.explain(ctx, sources)
	case r.cmd.Follow:
		return r.follow(ctx, sources)
	case r.cmd.Rank:
		return r.best(ctx, sources)
	}
	if s := r.streamed(sources); s != nil {
		return r.stream(ctx, s)
	}
	limit := r.cmd.Limit
	if limit == 0 && r.query.Empty() && isTerminal(r.app.out) && !r.cmd.Newest {
		return r.tail(ctx, sources, bareLimit)
	}
	before, after := r.cmd.context()
	r.scan.Texts = !r.cmd.JSON && !r.shaped() && before == 0 && after == 0
	print := r.printer()
	if r.scan.Texts && limit == 0 {
		r.scan.Pass = r.pass
	}
	done, seen := int64(0), int64(0) // hits printed before, and passed on
	each := func() error {
		return r.scan.Each(ctx, sources, func(h *index.Hit) error {
			if seen++; seen <= done {
				return nil
			}
			r.hits++
			if err := print(h); err != nil {
				return err
			}
			if limit > 0 && r.hits >= int64(limit) {
				return index.ErrEnough
			}
			return nil
		})
	}
	err := each()
	if !errors.Is(err, index.ErrForeign) {
		return err
	}
	done, seen = r.hits, 0
	r.scan.Pass = nil // those that were printed before are left out one by one
	if sources, err = r.wholly(ctx); err == nil {
		err = each()
	}
	return err
}

// wholly makes the sources again, with each file looked at as a whole for its encoding.
func (r *logsRun) wholly(ctx context.Context) ([]logs.Source, error) {
	r.conf.Whole, r.scan.Foreign = true, nil
	r.unread, r.incomplete = false, nil
	return r.conf.Resolve(ctx, r.cmd.Source)
}

func (r *logsRun) count(ctx context.Context, sources []logs.Source) error {
	n, err := r.scan.Count(ctx, sources)
	if errors.Is(err, index.ErrForeign) {
		if sources, err = r.wholly(ctx); err == nil {
			n, err = r.scan.Count(ctx, sources)
		}
	}
	if err != nil {
		return err
	}
	if r.hits = n; r.cmd.JSON {
		return r.app.ndjson(struct {
			Count int64 `json:"count"`
			incompleteJSON
		}{n, incompleteJSON{r.incomplete}})
	}
	if r.unread { // a script would take the part for the whole
		r.app.note(lang.M("not counted: a part of the logs could not be read; the rest has %s", lang.M("%d events", n)))
		return nil
	}
	r.app.say(lang.M("%d", n))
	return nil
}

func (r *logsRun) histogram(ctx context.Context, sources []logs.Source) error {
	h := logs.NewHistogram(r.cmd.Histogram, r.scan.Zone)
	err := r.scan.Each(ctx, sources, func(hit *index.Hit) error {
		r.hits++
		h.Add(hit.Time(), hit.Level())
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range h.Buckets() {
		if r.cmd.JSON {
			if err := r.app.ndjson(bucketJSON(b)); err != nil {
				return err
			}
			continue
		}
		r.out.WriteString(r.bar(b, h.Top()) + "\n")
	}
	return nil
}
