package alerts

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/config"
	"opsdeck/internal/redact"
	"opsdeck/ops/alert"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
)

// reader reads the logs of a service as they grow, from the place where it was left,
// and counts what the rules match.
type reader struct {
	service config.Service
	rules   []*logRule
	styles  func(source string) *line.Style // may be nil
	now     func() time.Time
	warn    func(name string, err error)
	wake    func() // something matched

	mu      sync.Mutex
	running bool // what was there before is read: from here on texts are new
	known   bool // the logs were read before
	left    map[string]alert.Place
	tracks  []*track
	hits    map[*logRule]*hits
}

// hits are what a rule matched since the last look.
type hits struct {
	n     int64
	lines []alert.Line
}

// linesTaken is how many matching lines are kept of one look.
const linesTaken = 5

// settle is how long an event is waited for to have no further lines.
const settle = 150 * time.Millisecond

// pace is how long lines are gathered before they are read: a busy log wakes the watcher
// ten times a second.
const pace = 100 * time.Millisecond

// newReader makes one that goes on from places; known tells that the logs of the
// service were read before, so that what is new came since.
func newReader(s config.Service, rules []*logRule, places map[string]alert.Place, known bool) *reader {
	return &reader{service: s, rules: rules, left: places, known: known, hits: map[*logRule]*hits{}}
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) {
	began := r.now()
	conf := logfile.Config{
		Sources: r.service.Logs.Paths(),
		Follow:  true,
		Filter:  logfile.Push(&query.Query{Since: r.since(began)}),
	}
	sources, err := conf.Resolve(ctx, nil)
	if err != nil {
		r.warn(r.service.Name, err)
		return
	}
	globs := conf.Globs(nil, sources)
	var tails []*logfile.Tail
	var wg sync.WaitGroup
	for _, src := range sources {
		last := src.Parts[len(src.Parts)-1]
		if s, ok := last.(logfile.Streamer); ok {
			wg.Go(func() { r.stream(ctx, last.Name(), s, began) })
			continue
		}
		if last.Name() != src.Name && !logfile.Grows(ctx, src) {
			r.warn(last.Name(), logfile.NotFollowed(last.Name()))
			continue
		}
		tails = append(tails, r.resume(ctx, src.Name))
	}
	globs.Sink = func(name string) logfile.Sink {
		s := r.sink(ctx, name)
		s.caught = true // it came while we read
		return logfile.Unwrapped(s, nil)
	}
	globs.Failed = r.warn
	globs.Pace = pace
	r.mu.Lock()
	r.running = true
	r.mu.Unlock()
	logfile.Follow(ctx, tails, globs, r.idle)
	wg.Wait()
}

// since is from when on streams are asked for lines.
func (r *reader) since(began time.Time) time.Time {
	since := began
	for _, name := range r.service.Logs.Paths() {
		if p, ok := r.placeLeft(name); ok && !p.Last.IsZero() && p.Last.Before(since) {
			since = p.Last
		}
	}
	return since
}

// placeLeft is how far a log was read.
func (r *reader) placeLeft(name string) (alert.Place, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.left[name]
	return p, ok
}

func (r *reader) sink(ctx context.Context, name string) *sink {
	return &sink{reader: r, ctx: ctx, name: name}
}

// resume begins to follow a file where it was left. What was rotated away since is
// read first.
func (r *reader) resume(ctx context.Context, name string) *logfile.Tail {
	s := r.sink(ctx, name)
	place, had := r.placeLeft(name)
	s.place = place
	s.had = had
	t := logfile.NewTail(name, logfile.Unwrapped(s, func([]logs.Part) bool { return !r.isRunning() }))
	t.OnError(func(err error) { r.warn(name, err) })
	t.Look() // the sink notes its texts, and reads nothing yet
	r.mu.Lock()
	defer r.mu.Unlock()
	if had && !s.found {
		s.older(t.Before())
	}
	if had && !s.found {
		for _, one := range s.open {
			one.after = place.Last
		}
	}
	for _, one := range s.open {
		one.catchUp()
	}
	s.caught = true
	return t
}

func (r *reader) isRunning() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

// sink is where the texts of one log go.
type sink struct {
	*reader
	ctx    context.Context
	name   string
	place  alert.Place
	had    bool // it was read before
	found  bool // the text that was left is known again
	caught bool // what came while nobody read was read
	last   *line.Parser
	open   []*track
}

// Begin starts a text.
func (s *sink) Begin(name string, text logs.Text) logfile.Track {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.begin(name, text)
	if s.caught || s.running {
		return t
	}
	switch {
	case s.had && !s.found && begins(s.place, text):
		t.off = s.place.Size
		s.found = true
	case !s.had && !s.known: // the first time that these logs are read
		t.off = index.LastBreak(text, text.Size())
	case !s.had:
		t.off = s.copied(text)
		t.after = s.readBefore()
	}
	return t
}

// copied is how far a text that came while nobody read is a copy of a log that was read.
func (r *reader) copied(text logs.Text) (n int64) {
	for _, p := range r.left {
		if len(p.Head) == headBytes && p.Size > n && begins(p, text) {
			n = p.Size
		}
	}
	return n
}

// readBefore is when the logs of the service were read last.
func (r *reader) readBefore() (at time.Time) {
	for _, p := range r.left {
		if p.At.After(at) {
			at = p.At
		}
	}
	return at
}

func (s *sink) begin(name string, text logs.Text) *track {
	t := &track{of: s, text: text}
	p := s.parser(name)
	if s.last != nil {
		p.Like(s.last)
	}
	s.last = p
	index.Learn(p, text, text.Size())
	t.live = store.NewLive(&query.Query{}, name, 0, p, t.take)
	s.open = append(s.open, t)
	s.tracks = append(s.tracks, t)
	return t
}

// begins tells that a text is the one of a place.
func begins(p alert.Place, text logs.Text) bool {
	if p.Size == 0 || text.Size() < p.Size {
		return false
	}
	return slices.Equal(bytesAt(text, 0, int64(len(p.Head))), p.Head) &&
		slices.Equal(bytesAt(text, p.Size-int64(len(p.Foot)), p.Size), p.Foot)
}

func bytesAt(text logs.Text, from, to int64) []byte {
	out := make([]byte, to-from)
	n, _ := text.ReadAt(out, from)
	return out[:n]
}

// older reads what was rotated away while nobody read: the rest of the text that was
// left, and all that came after it.
func (s *sink) older(parts []logs.Part) {
	first := len(parts)
	from := int64(0)
	for i, part := range slices.Backward(parts) {
		text, _ := part.Open(s.ctx)
		if text == nil {
			continue
		}
		is := begins(s.place, text)
		when, dated := text.(logs.Dated)
		before := dated && when.Written().Before(s.place.At)
		text.Close()
		if is {
			first = i
			from = s.place.Size
			s.found = true
			break
		}
		if before { // the one that was left is gone
			break
		}
		first = i
	}
	for _, part := range parts[first:] {
		text, err := part.Open(s.ctx)
		if err != nil {
			s.warn(part.Name(), err)
		}
		if text == nil {
			continue
		}
		t := s.begin(part.Name(), text)
		t.off = from
		from = 0
		if !s.found {
			t.after = s.place.Last
		}
		t.read(text.Size(), nil)
		t.end()
	}
}

// match counts an event for the rules that it matches.
func (r *reader) match(e *logs.Event) {
	lines := lineBreaks(e.Raw)
	seen := make([]string, len(lines))
	for i, l := range lines {
		seen[i] = string(line.Visible([]byte(l), nil))
	}
	for _, rule := range r.rules {
		raw, is := rule.matches(e, lines, seen)
		if !is {
			continue
		}
		h := r.hits[rule]
		if h == nil {
			h = &hits{}
			r.hits[rule] = h
		}
		h.n++
		if len(h.lines) < linesTaken {
			h.lines = append(h.lines, lineOf(e, raw))
		}
		r.wake()
	}
}

// rawMost bounds a line that is kept, in bytes.
const rawMost = 2000

func lineOf(e *logs.Event, raw string) alert.Line {
	l := alert.Line{
		Level: e.Level.String(), Context: redact.Text(e.Context), Message: bounded(redact.Text(e.Message)),
		Source: e.Source,
		Raw:    bounded(redact.Text(raw)),
	}
	if !e.Time.IsZero() {
		l.Time = &e.Time
	}
	return l
}

// said is a line as a person reads it: of a line of JSON, its context and message.
func said(l alert.Line) string {
	if l.Message == "" || !strings.HasPrefix(strings.TrimSpace(l.Raw), "{") {
		return l.Raw
	}
	return strings.TrimSpace(l.Context + " " + l.Message)
}

func bounded(text string) string {
	if len(text) <= rawMost {
		return text
	}
	cut := rawMost
	for cut > 0 && text[cut]&0xc0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}

// matches tells whether an event is one of the rule, and the line that says so. seen
// are its lines as a person sees them.
func (r *logRule) matches(e *logs.Event, lines, seen []string) (raw string, is bool) {
	if !r.query.HasText() && !r.query.AsksLines() {
		return lines[0], r.query.MatchEvent(e, nil)
	}
	var all []byte
	if r.query.AsksLines() {
		all = line.Visible([]byte(e.Raw), nil)
	}
	if r.query.HasTests() && !r.query.MatchEvent(e, all) {
		return "", false
	}
	if !r.query.HasText() {
		return lines[0], true
	}
	for i, l := range seen {
		if r.query.MatchLine(l) {
			return lines[i], true
		}
	}
	return "", false
}

func lineBreaks(raw string) []string {
	var out []string
	for {
		i := 0
		for i < len(raw) && raw[i] != '\n' {
			i++
		}
		out = append(out, raw[:i])
		if i == len(raw) {
			return out
		}
		raw = raw[i+1:]
	}
}

// idle passes on events that waited long enough.
func (r *reader) idle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tracks {
		t.live.Quiet(settle)
	}
}

// parser reads the lines of a source in its style.
func (r *reader) parser(source string) *line.Parser {
	p := line.NewParser(time.Local, r.now())
	if r.styles != nil {
		p.Wear(r.styles(source))
	}
	return p
}

// stream reads what has no file.
func (r *reader) stream(ctx context.Context, name string, s logfile.Streamer, began time.Time) {
	k := &track{of: r.sink(ctx, name), after: began}
	k.of.caught = true
	if p, ok := r.placeLeft(name); ok {
		k.after = p.Last
	}
	parser := r.parser(name)
	k.live = store.NewLive(&query.Query{}, name, 0, parser, k.take)
	r.mu.Lock()
	r.tracks = append(r.tracks, k)
	r.mu.Unlock()
	for ctx.Err() == nil {
		err := logfile.StreamTo(ctx, s, func(in io.ReaderAt, from, to int64) {
			r.mu.Lock()
			defer r.mu.Unlock()
			k.live.Read(in, from, to, nil)
		}, func(err error) { r.warn(name, err) })
		if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			r.warn(name, err)
		}
		r.mu.Lock()
		if k.live.Quiet(0); k.last.After(k.after) {
			k.after = k.last
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(streamAgain):
		}
	}
}

// streamAgain is how long after its end a stream is opened again.
const streamAgain = 5 * time.Second

// collect takes what was matched since the last call, and how far the logs are read:
// both of one moment.
func (r *reader) collect() (map[*logRule]*hits, map[string]alert.Place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.hits
	r.hits = map[*logRule]*hits{}
	places := map[string]alert.Place{}
	for name, p := range r.left { // of logs that are not there now, or not read yet
		places[name] = p
	}
	for _, t := range r.tracks {
		if p := t.place(r.now()); t.of.caught && (p.Size > 0 || t.text == nil) {
			places[t.of.name] = p
		}
	}
	r.left = places
	return out, places
}
