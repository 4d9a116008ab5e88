package logfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"opsdeck/internal/human"
	"opsdeck/internal/lang"
	"opsdeck/internal/trust"
	"opsdeck/ops"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Settings for log servers.
const (
	serverPast = 24 * time.Hour // read if the query has no since
	serverPoll = time.Second    // if tailing is not available
	answerMax  = 256 << 20      // bytes of one response
)

// server is a log server as a source. Its name is "KIND:http://HOST:PORT", with the query
// after ?query=, and a file of HTTP headers (a password, a tenant) after &headers=.
type server struct {
	name     string
	base     string
	selector string
	api      serverAPI
	filter   Filter
	headers  http.Header
	client   *http.Client
	now      func() time.Time
	recently int // lines that a store gets without a request
}

// serverAPI is the protocol of one kind of server.
type serverAPI interface {
	// traits are its paging properties.
	traits() serverTraits
	// page reads at most the limit's entries from from (inclusive) to to (exclusive) that pass
	// the filter: the first ones, or the newest, in time order.
	page(ctx context.Context, l *server, f *Filter, from, to time.Time, newest bool) ([]entry, error)
	// tail passes on new entries until the connection ends; errNoTail if there is no tail.
	tail(ctx context.Context, l *server, at place, take func([]entry, int64) error) error
}

type serverTraits struct {
	program string        // its name
	all     string        // the selector for all logs
	limit   int           // entries per page
	lag     time.Duration // maximum delay of late lines
	example string
}

// serverKinds are the schemes of servers.
var serverKinds = map[string]func() serverAPI{
	"loki":         func() serverAPI { return lokiAPI{} },
	"victorialogs": func() serverAPI { return victoriaAPI{} },
	"elastic":      func() serverAPI { return new(elasticAPI) },
	"opensearch":   func() serverAPI { return new(elasticAPI) },
}

func newServer(name string, f Filter) (*server, error) {
	kind, address, _ := strings.Cut(name, ":")
	api := serverKinds[kind]()
	traits := api.traits()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		traits.all == "" && strings.Trim(u.Path, "/") == "" {
		return nil, ops.E(ops.Config, lang.M("%s is not %s:%s", redacted(name), kind, traits.example)).
			WithHint(lang.M("passwords and tokens go into a file of HTTP headers: &headers=FILE"))
	}
	asked := u.Query()
	l := &server{
		name:     name,
		selector: asked.Get("query"),
		api:      api,
		filter:   f,
		client:   &http.Client{Timeout: 30 * time.Second},
		now:      time.Now,
		recently: serverRecent,
	}
	if l.selector == "" {
		l.selector = traits.all
	}
	if file := asked.Get("headers"); file != "" {
		if l.headers, err = headersOf(file); err != nil {
			return nil, err
		}
	}
	u.RawQuery = ""
	l.base = strings.TrimSuffix(u.String(), "/")
	return l, nil
}

// redacted is a name without the password in its address.
func redacted(name string) string {
	scheme, rest, ok := strings.Cut(name, "://")
	host, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(host, '@')
	if !ok || at < 0 {
		return name
	}
	return scheme + "://***" + rest[at:]
}

// headersOf reads "Name: value" lines. The file holds secrets: other users must not be
// able to read it.
func headersOf(path string) (http.Header, error) {
	f, err := trust.Open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("%s cannot be read", path))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, ops.E(ops.Config,
			lang.M("%s holds a secret and other users can read it; run: chmod 600 %s", path, path))
	}
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return nil, ops.Wrap(err, ops.Config, lang.M("%s cannot be read", path))
	}
	out := http.Header{}
	for i, row := range strings.Split(string(text), "\n") {
		row = strings.TrimSpace(row)
		if row == "" || row[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(row, ":")
		if !ok || strings.ContainsAny(name, " \t") {
			return nil, ops.E(ops.Config, lang.M("%s line %d is not \"Name: value\"", path, i+1))
		}
		out.Add(name, strings.TrimSpace(value))
	}
	return out, nil
}

func (l *server) Name() string { return l.name }

// ask makes one request with the server's headers and reads the whole response.
func (l *server) ask(req *http.Request) ([]byte, error) {
	resp, err := l.send(l.client, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	if err != nil {
		return nil, fmt.Errorf("read the response of %s: %w", l.program(), err)
	}
	if len(body) > answerMax {
		return nil, ops.E(ops.Failed,
			lang.M("%s at %s sent more than %s in one response; choose a shorter time or a narrower query",
				l.program(), l.base, human.Bytes(answerMax)))
	}
	return body, nil
}

// send makes a request; an unsuccessful response is an error.
func (l *server) send(client *http.Client, req *http.Request) (*http.Response, error) {
	for name, values := range l.headers {
		req.Header[name] = values
		if name == "Host" {
			req.Host = values[0]
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, ops.Wrap(err, ops.Busy, lang.M("%s at %s does not respond", l.program(), l.base)).
			WithHint(lang.M("see whether it runs there: %s", "curl -i "+human.Shell(l.base)))
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
	first, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	e := ops.E(codeOf(resp.StatusCode), lang.M("%s at %s says %s", l.program(), l.base, resp.Status))
	if first == "" || first[0] == '<' { // a web page: most likely it is another server
		return nil, e.WithHint(lang.M("see whether it runs there: %s", "curl -i "+human.Shell(l.base)))
	}
	e.Err = errors.New(first)
	return nil, e
}

// codeOf is Busy for a status that a later request may not meet.
func codeOf(status int) ops.Code {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return ops.Busy
	}
	return ops.Failed
}

func (l *server) program() string    { return l.api.traits().program }
func (l *server) limit() int         { return l.api.traits().limit }
func (l *server) lag() time.Duration { return l.api.traits().lag }

// page reads entries from from to to, in time order.
func (l *server) page(ctx context.Context, f Filter, from, to time.Time, newest bool) ([]entry, error) {
	return l.api.page(ctx, l, &f, from, to, newest)
}

var errCrowded = errors.New("a moment with more lines than a page")

// crowded reports that one timestamp has more lines than a page: the server does not
// return the rest.
func (l *server) crowded(at time.Time) error {
	return ops.Wrap(errCrowded, ops.Failed,
		lang.M("%s has more than %d lines with the time %s; the others are not shown",
			l.program(), l.limit(), at.UTC().Format(time.RFC3339Nano)))
}

// Open reads the query's time range into a spool.
func (l *server) Open(ctx context.Context) (logs.Text, error) {
	sp, err := newSpool()
	if err != nil {
		return nil, err
	}
	from, to := l.span()
	_, err = l.pages(ctx, sp, from, to, nil)
	return sp, err
}

func (l *server) span() (from, to time.Time) {
	from, to = l.filter.Since, l.filter.Until
	if to.IsZero() {
		to = l.now()
	}
	if from.IsZero() {
		from = to.Add(-serverPast)
	}
	return from, to
}

// entry is one entry of a server.
type entry struct {
	ns     int64
	line   string
	stream string // its labels, as text
	key    string // distinguishes it within its timestamp; empty: the line does
}

// id distinguishes entries. It is the same for an entry from a range and from the tail,
// which may write labels differently.
func (e *entry) id() string {
	if e.key != "" {
		return strconv.FormatInt(e.ns, 36) + e.key
	}
	return strconv.FormatInt(e.ns, 36) + e.line
}

// place is the position of the next request: a time, and the entries already seen.
type place struct {
	from time.Time
	seen map[string]bool
}

// pages reads page after page; if the filter excludes lines, it adds the rest of their
// events. Requests overlap by the lag in which late lines can arrive, so entries already
// seen there are skipped.
func (l *server) pages(ctx context.Context, w io.Writer, from, to time.Time, seen map[string]bool) (place, error) {
	if seen == nil {
		seen = map[string]bool{}
	}
	var left error // of what the server does not return
	for {
		entries, err := l.page(ctx, l.filter, from, to, false)
		if err != nil {
			return place{from, seen}, err
		}
		fresh, err := l.fresh(ctx, entries, seen)
		if left = cmp.Or(left, err); err != nil && !errors.Is(err, errCrowded) {
			return place{from, seen}, err
		}
		for _, e := range fresh {
			if _, err := io.WriteString(w, entryLine(e)); err != nil {
				return place{from, seen}, err
			}
		}
		if len(entries) == 0 {
			return place{from, seen}, left
		}
		last := time.Unix(0, entries[len(entries)-1].ns)
		if len(entries) < l.limit() {
			return place{later(from, last.Add(-l.lag())), recent(entries, last.Add(-l.lag()))}, left
		}
		if last.Before(from.Add(-time.Millisecond)) { // it would never end
			return place{from, seen}, fmt.Errorf("read the response of %s: lines before the start", l.program())
		}
		if first := time.Unix(0, entries[0].ns); first.Equal(last) {
			left = l.crowded(last)
			from = last.Add(1)
			continue
		}
		from = last
		if seen = recent(entries, last); l.filter.narrows() {
			maps.Copy(seen, recent(fresh, last.Add(-2*eventSpread)))
		}
	}
}

// fresh are the entries of a page that were not seen yet, with the lines of the same
// events that the filter excluded.
func (l *server) fresh(ctx context.Context, entries []entry, seen map[string]bool) (fresh []entry, err error) {
	unseen := func(e entry) bool {
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
	if err != nil && !errors.Is(err, errCrowded) || len(all) == hits {
		return together(fresh), err
	}
	found := map[entry]bool{}
	for _, e := range fresh {
		found[e] = true
	}
	return together(slices.DeleteFunc(all, func(e entry) bool { return !found[e] && !unseen(e) })), err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func recent(entries []entry, since time.Time) map[string]bool {
	seen := map[string]bool{}
	for _, e := range entries {
		if e.ns >= since.UnixNano() {
			seen[e.id()] = true
		}
	}
	return seen
}

// entryLine is the entry as a line; a line without a time gets the server's in front.
func entryLine(e entry) string {
	p := line.NewParser(time.UTC, time.Unix(0, e.ns))
	first, _, _ := strings.Cut(e.line, "\n")
	if ev, kind := p.Parse([]byte(first)); kind == line.KindCont || kind == line.KindHead && !ev.Time.IsZero() {
		return e.line + "\n"
	}
	return time.Unix(0, e.ns).UTC().Format("2006-01-02T15:04:05.000Z") + " " + e.line + "\n"
}
