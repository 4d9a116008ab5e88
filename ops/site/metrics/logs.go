package metrics

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/query"
	"opsdeck/ops/logs/store"
)

var (
	logEvents = counter("opsdeck_log_events_total", "Events of the logs by source and level, since opsdeck serve was "+
		"started.", "service", "source", "level")
	logCritical = counter("opsdeck_log_critical_events_total",
		"Events that hold one of the errors that need a person at "+
			"once, since opsdeck serve was started.", "service", "source")
	logRead = gauge("opsdeck_log_readable", "Whether the source's logs can be read.", "service", "source")
)

// settle is how long an event is waited for to have no further lines.
const settle = 150 * time.Millisecond

// pace is how long lines are gathered before they are read.
const pace = 100 * time.Millisecond

// LogCounter counts the events of a service's logs that are written from its start
// on. A source is an entry of the setting logs, however many files fit it.
type LogCounter struct {
	service string
	sources []string
	zone    *time.Location
	// Styles is how the lines of a source are read; nil, or a nil style, is as everywhere.
	Styles func(source string) *line.Style

	mu     sync.Mutex
	events map[string]*logCounts // by source
}

type logCounts struct {
	levels   [logs.LevelCount]uint64
	critical uint64
	failed   bool
}

// NewLogCounter makes a counter of the sources; Run counts.
func NewLogCounter(service string, sources []string, zone *time.Location) *LogCounter {
	c := &LogCounter{service: service, zone: zone, events: map[string]*logCounts{}}
	for _, s := range sources {
		if s != "-" && c.events[s] == nil {
			c.sources = append(c.sources, s)
			c.events[s] = &logCounts{}
		}
	}
	return c
}

// Run follows the sources until ctx ends.
func (c *LogCounter) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range c.sources {
		wg.Go(func() { c.follow(ctx, s) })
	}
	wg.Wait()
}

// again is the pause before a source that ended or failed is opened again.
const again = 30 * time.Second

func (c *LogCounter) follow(ctx context.Context, source string) {
	began := time.Now()
	for ctx.Err() == nil {
		f := &counting{counter: c, source: source, began: began}
		if err := f.run(ctx); err != nil && ctx.Err() == nil {
			c.fail(source, err)
		}
		began = time.Now() // what a stream has of the pause is counted then
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// fail remembers that a source cannot be read. That its files are not there yet is
// no failure.
func (c *LogCounter) fail(source string, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events[source].failed = true
}

func (c *LogCounter) count(source string, e logs.Event) {
	_, critical := line.Critical(e.Raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.events[source]
	n.failed = false
	n.levels[min(e.Level, logs.LevelCount-1)]++
	if critical {
		n.critical++
	}
}

// collect tells the counts. Each level of a source is told from the start on, so
// that its first event is an increase.
func (c *LogCounter) collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sources {
		n := c.events[s]
		out <- logRead.of(truth(!n.failed), c.service, s)
		for _, l := range logs.Levels() {
			out <- logEvents.of(float64(n.levels[l]), c.service, s, strings.ToLower(l.String()))
		}
		out <- logCritical.of(float64(n.critical), c.service, s)
	}
}

// Count has the collector tell the counts of logs too.
func (c *Collector) Count(l *LogCounter) { c.counted = append(c.counted, l.collect) }

// counting follows one source once.
type counting struct {
	counter *LogCounter
	source  string
	began   time.Time
	running bool
	tracks  []*countedText
}

func (f *counting) run(ctx context.Context) error {
	conf := logfile.Config{Sources: []string{f.source}, Follow: true}
	sources, err := conf.Resolve(ctx, nil)
	if err != nil {
		return err
	}
	globs := conf.Globs(nil, sources)
	failed := func(_ string, err error) { f.counter.fail(f.source, err) }
	var tails []*logfile.Tail
	var streams sync.WaitGroup
	ended := make([]error, len(sources))
	for i, src := range sources {
		last := src.Parts[len(src.Parts)-1]
		if s, ok := last.(logfile.Streamer); ok {
			streams.Go(func() { ended[i] = f.stream(ctx, s) })
			continue
		}
		if last.Name() != src.Name && !logfile.Grows(ctx, src) {
			failed(last.Name(), logfile.NotFollowed(last.Name()))
			continue
		}
		t := logfile.NewTail(src.Name, logfile.Unwrapped(f, f.before))
		t.OnError(func(err error) { failed(src.Name, err) })
		t.Look()
		tails = append(tails, t)
	}
	f.running = true
	globs.Sink = func(string) logfile.Sink { return logfile.Unwrapped(f, f.before) }
	globs.Failed = failed
	globs.Pace = pace
	logfile.Follow(ctx, tails, globs, f.idle)
	streams.Wait()
	return errors.Join(ended...)
}

// before leaves out what a container's log held already.
func (f *counting) before([]logs.Part) bool { return !f.running }

func (f *counting) idle() {
	for _, t := range f.tracks {
		t.live.Quiet(settle)
	}
}

// parser reads the lines of a source in its style.
func (f *counting) parser(source string) *line.Parser {
	p := line.NewParser(f.counter.zone, f.began)
	if f.counter.Styles != nil {
		p.Wear(f.counter.Styles(source))
	}
	return p
}

func (f *counting) live(name string) (*store.Live, *line.Parser) {
	p := f.parser(name)
	live := store.NewLive(&query.Query{}, name, 0, p, func(e logs.Event) { f.counter.count(f.source, e) })
	return live, p
}

// Begin starts a text; what it held before the start is not counted.
func (f *counting) Begin(name string, text logs.Text) logfile.Track {
	t := &countedText{f: f, text: text}
	var p *line.Parser
	t.live, p = f.live(name)
	index.Learn(p, text, text.Size())
	if !f.running {
		t.off = index.LastBreak(text, text.Size())
	}
	f.tracks = append(f.tracks, t)
	return t
}

// stream counts what has no file. It begins with what the source has: that is left
// out by its time.
func (f *counting) stream(ctx context.Context, s logfile.Streamer) error {
	p := f.parser(f.source)
	live := store.NewLive(&query.Query{}, f.source, 0, p, func(e logs.Event) {
		if e.Time.IsZero() || !e.Time.Before(f.began) {
			f.counter.count(f.source, e)
		}
	})
	err := logfile.StreamTo(ctx, s, func(r io.ReaderAt, from, to int64) {
		if from == 0 {
			index.Learn(p, r, to)
		}
		live.Read(r, from, to, nil)
		live.Quiet(0)
	}, nil)
	return err
}

// countedText is one text being followed.
type countedText struct {
	f    *counting
	text logs.Text
	live *store.Live
	off  int64 // read up to here
	size int64 // may be read up to here
}

// Grow counts the whole lines that came.
func (t *countedText) Grow(size int64, same func() bool) bool {
	if !t.f.running || size <= t.off {
		return true
	}
	t.size = size
	return t.readTo(max(t.off, index.LastBreak(t.text, size)), same)
}

func (t *countedText) readTo(end int64, same func() bool) bool {
	off, err := t.live.Read(t.text, t.off, end, same)
	if t.off = off; err != nil {
		t.f.counter.fail(t.f.source, err)
	}
	return off == end
}

// Settle counts half a line that waited long enough.
func (t *countedText) Settle(same func() bool) bool {
	return t.f.running && (t.size <= t.off || t.readTo(t.size, same))
}

// Swap reads on from a copy.
func (t *countedText) Swap(text logs.Text) { t.text = text }

// End counts what was waited for, a last line without its end too.
func (t *countedText) End() {
	if t.size > t.off {
		t.readTo(t.size, nil)
	}
	t.leave()
	t.text.Close()
}

// Lost counts what was read and half a line that was waited for, the rest is gone.
func (t *countedText) Lost() {
	if t.size > t.off {
		_, _ = t.live.Read(t.text, t.off, t.size, nil) // unless it was too long to be kept
	}
	t.leave()
}

// leave counts what was held and takes it off the list.
func (t *countedText) leave() {
	t.live.Quiet(0)
	t.f.tracks = slices.DeleteFunc(t.f.tracks, func(o *countedText) bool { return o == t })
}
