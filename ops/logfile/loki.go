package logfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Loki's HTTP API, as of version 3: GET /loki/api/v1/query_range with query,
// start and end in ns, limit and direction; the answer's data.result is a list of
// streams with values of [ns as text, line].
const (
	lokiLimit = 5000
	lokiPast  = 24 * time.Hour  // read when the query has no since
	lokiPoll  = time.Second     // where tailing cannot be had
	lokiLag   = 2 * time.Second // lines can come that much late
)

// loki is a Loki server as a source. Its name is "loki:http://host:3100" with
// the stream selector behind ?query=.
type loki struct {
	name     string
	base     string
	selector string
	filter   Filter
	client   *http.Client
	now      func() time.Time
	recently int // lines that a store gets without asking
}

func newLoki(name string, f Filter) (*loki, error) {
	u, err := url.Parse(strings.TrimPrefix(name, "loki:"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, ops.E(ops.Config, lang.M("%s is not loki:http://HOST:3100?query={app=\"NAME\"}", name))
	}
	selector := u.Query().Get("query")
	if selector == "" {
		selector = `{job=~".+"}`
	}
	u.RawQuery = ""
	return &loki{
		name:     name,
		base:     strings.TrimSuffix(u.String(), "/"),
		selector: selector,
		filter:   f,
		client:   &http.Client{Timeout: 30 * time.Second},
		now:      time.Now,
		recently: lokiRecent,
	}, nil
}

func (l *loki) Name() string { return l.name }

// Open reads the range of the query into a spool.
func (l *loki) Open(ctx context.Context) (logs.Text, error) {
	sp, err := newSpool()
	if err != nil {
		return nil, err
	}
	from, to := l.span()
	_, err = l.pages(ctx, sp, from, to, nil)
	return sp, err
}

func (l *loki) span() (from, to time.Time) {
	from, to = l.filter.Since, l.filter.Until
	if to.IsZero() {
		to = l.now()
	}
	if from.IsZero() {
		from = to.Add(-lokiPast)
	}
	return from, to
}

type lokiEntry struct {
	ns     int64
	line   string
	stream string // its labels, as text
}

// id tells entries apart, also those of a range from those of the tail, which may
// write labels otherwise.
func (e *lokiEntry) id() string { return strconv.FormatInt(e.ns, 36) + e.line }

// lokiPlace is where the next request goes on: from then, without what was seen.
type lokiPlace struct {
	from time.Time
	seen map[string]bool
}

// pages reads page after page; where the filter leaves lines out, whole events.
// Requests overlap by the lag in which late lines can still come, so what was
// seen there is left out.
func (l *loki) pages(ctx context.Context, w io.Writer, from, to time.Time, seen map[string]bool) (lokiPlace, error) {
	if seen == nil {
		seen = map[string]bool{}
	}
	for {
		entries, err := l.page(ctx, l.filter.logQL(l.selector), from, to, "forward")
		if err != nil {
			return lokiPlace{from, seen}, err
		}
		fresh, err := l.fresh(ctx, entries, seen)
		if err != nil {
			return lokiPlace{from, seen}, err
		}
		for _, e := range fresh {
			if _, err := io.WriteString(w, lokiLine(e)); err != nil {
				return lokiPlace{from, seen}, err
			}
		}
		if len(entries) == 0 {
			return lokiPlace{from, seen}, nil
		}
		last := time.Unix(0, entries[len(entries)-1].ns)
		if len(entries) < lokiLimit || len(fresh) == 0 && !last.After(from) {
			return lokiPlace{later(from, last.Add(-lokiLag)), recent(entries, last.Add(-lokiLag))}, nil
		}
		from = last
		if seen = recent(entries, last); l.filter.narrows() {
			maps.Copy(seen, recent(fresh, last.Add(-2*lokiAround)))
		}
	}
}

// fresh is what of a page was not seen yet, with the lines of the same events that
// the filter left out.
func (l *loki) fresh(ctx context.Context, entries []lokiEntry, seen map[string]bool) (fresh []lokiEntry, err error) {
	unseen := func(e lokiEntry) bool {
		id := e.id()
		if seen[id] {
			return false
		}
		seen[id] = true
		return true
	}
	for _, e := range entries {
		if unseen(e) {
			fresh = append(fresh, e)
		}
	}
	if !l.filter.narrows() || len(fresh) == 0 {
		return together(fresh), nil
	}
	hits := len(fresh)
	all, err := l.whole(ctx, fresh)
	if err != nil || len(all) == hits {
		return together(fresh), err
	}
	found := map[lokiEntry]bool{}
	for _, e := range fresh {
		found[e] = true
	}
	return together(slices.DeleteFunc(all, func(e lokiEntry) bool { return !found[e] && !unseen(e) })), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func recent(entries []lokiEntry, since time.Time) map[string]bool {
	seen := map[string]bool{}
	for _, e := range entries {
		if e.ns >= since.UnixNano() {
			seen[e.id()] = true
		}
	}
	return seen
}

// lokiLine is the entry as a line; one that says no time gets Loki's in front.
func lokiLine(e lokiEntry) string {
	p := line.NewParser(time.UTC, time.Unix(0, e.ns))
	first, _, _ := strings.Cut(e.line, "\n")
	if ev, kind := p.Parse([]byte(first)); kind == line.KindCont || kind == line.KindHead && !ev.Time.IsZero() {
		return e.line + "\n"
	}
	return time.Unix(0, e.ns).UTC().Format("2006-01-02T15:04:05.000Z") + " " + e.line + "\n"
}

// page makes one request; entries come in the order of time.
func (l *loki) page(ctx context.Context, query string, from, to time.Time, direction string) ([]lokiEntry, error) {
	v := url.Values{
		"query":     {query},
		"start":     {strconv.FormatInt(from.UnixNano(), 10)},
		"end":       {strconv.FormatInt(to.UnixNano(), 10)},
		"limit":     {strconv.Itoa(lokiLimit)},
		"direction": {direction},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/loki/api/v1/query_range?"+v.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels") // labels without what single lines have
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, ops.Wrap(err, ops.Busy, lang.M("Loki at %s does not respond", l.base))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 256<<20))
	if err != nil {
		return nil, fmt.Errorf("read Loki's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, ops.Wrap(
			errors.New(strings.TrimSpace(string(body[:min(len(body), 300)]))),
			ops.Failed,
			lang.M("Loki at %s says %s", l.base, resp.Status),
		)
	}
	return lokiEntries(body)
}

func lokiEntries(body []byte) ([]lokiEntry, error) {
	var answer struct {
		Data struct {
			Result []lokiStream `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read Loki's answer: %w", err)
	}
	return inOrder(answer.Data.Result)
}

// lokiStream is a stream of an answer: values of [ns as text, line, …].
type lokiStream struct {
	Stream map[string]string   `json:"stream"`
	Values [][]json.RawMessage `json:"values"`
}

// inOrder makes one list of the streams, in the order of time.
func inOrder(streams []lokiStream) (out []lokiEntry, err error) {
	for _, s := range streams {
		name := fmt.Sprint(s.Stream) // keys in their order
		for _, v := range s.Values {
			var ns, line string
			if len(v) < 2 || json.Unmarshal(v[0], &ns) != nil || json.Unmarshal(v[1], &line) != nil {
				return nil, errors.New("read Loki's answer: a value is not [time, line]")
			}
			n, err := strconv.ParseInt(ns, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read Loki's answer: %w", err)
			}
			out = append(out, lokiEntry{n, strings.TrimRight(line, "\n"), name})
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].ns < out[j].ns })
	return out, nil
}
