package reading

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/line"
	"opsdeck/ops/logs/store"
)

// settle is how long an event is waited for to have no further lines.
const settle = 150 * time.Millisecond

// Follower follows logs and hands on the events that a query finds.
type Follower struct {
	Scan     *index.Scan // its query, zone and time
	Style    func(source string) *line.Style
	Numbered bool // events get their numbers of lines
	Limit    int  // of the events of a stream; 0 for none
	Emit     func(*logs.Event)
	Flush    func() // called when nothing more comes for a moment
	Warn     func(part string, err error)
	Note     func(lang.Msg)

	mu      sync.Mutex
	tracks  []*followed
	fresh   []logs.Part
	running bool
	streams []chan error
	seen    int
	enough  func() // called when Limit is reached
	closed  bool
}

// Follow follows sources until ctx ends. before is called once with the sources as they were
// when following began: what was there before is left to a search.
func (f *Follower) Follow(
	ctx context.Context,
	globs *logfile.Globs,
	sources []logs.Source,
	before func([]logs.Source) error,
) error {
	var tails []*logfile.Tail
	var packed []string
	frozen := make([]logs.Source, 0, len(sources))
	for _, src := range sources {
		last := src.Parts[len(src.Parts)-1]
		if !logfile.Grows(ctx, src) {
			packed = append(packed, last.Name())
			continue
		}
		if s, ok := last.(logfile.Streamer); ok {
			f.stream(ctx, last.Name(), s)
			continue
		}
		if _, err := os.Stat(src.Name); errors.Is(err, fs.ErrNotExist) && len(src.Parts) == 1 {
			f.Note(lang.M("%s does not exist yet; waiting for it", src.Name))
		}
		s := &followedSource{Follower: f, name: src.Name, old: src.Parts[:len(src.Parts)-1], ctx: ctx}
		t := logfile.NewTail(src.Name, logfile.Unwrapped(s, s.before))
		t.OnError(func(err error) { f.Warn(src.Name, err) })
		t.OnBack(func() { f.back(src.Name) })
		t.Look()
		tails = append(tails, t)
		frozen = append(frozen, logs.Source{Name: src.Name, Parts: slices.Concat(s.old, s.pieces, f.frozen())})
	}
	f.notGrowing(packed)
	if len(tails) == 0 && len(f.streams) == 0 && globs.None() {
		return ops.E(ops.Failed, lang.M("there is nothing to follow"))
	}
	for _, pattern := range globs.Empty(f.Warn) {
		f.Note(lang.M("no file matches %s yet; waiting for one", pattern))
	}
	if err := before(frozen); err != nil {
		return err
	}
	f.start()
	globs.Sink = func(name string) logfile.Sink {
		s := &followedSource{Follower: f, name: name, ctx: ctx}
		return logfile.Unwrapped(s, s.before)
	}
	globs.Failed = f.Warn
	globs.Back = f.back
	globs.Finish = true
	logfile.Follow(ctx, tails, globs, f.idle)
	f.idle()
	f.wait(ctx)
	return ctx.Err()
}

// notGrowing names the packed files that are not followed.
func (f *Follower) notGrowing(packed []string) {
	if len(packed) > 3 {
		f.Note(lang.M("%d files are packed or not text: they are not followed", len(packed)))
		return
	}
	for _, name := range packed {
		f.Note(lang.M("%s is packed or not text: it is not followed", name))
	}
}

// Stream hands on the events of standard input as they come, until its end or until there are
// as many as Limit.
func (f *Follower) Stream(ctx context.Context, s logfile.Streamer) error {
	enough, cancel := context.WithCancel(ctx)
	defer cancel()
	f.enough = cancel
	f.stream(enough, "-", s)
	f.wait(enough)
	f.close()
	return ctx.Err()
}

// close ends it: a reader that still waits for its input says no more.
func (f *Follower) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

// back says that a file which could not be read is read again.
func (f *Follower) back(name string) { f.Note(lang.M("%s is there again", name)) }

// followedSource is where the texts of one source go. They share the order of dates.
type followedSource struct {
	*Follower
	ctx  context.Context
	name string
	old  []logs.Part  // the generations of before
	last *line.Parser // of the text begun last
	open []*followed  // its texts that are followed

	pieces []logs.Part // of a container's log, before what is followed of it
}

// before takes what lies before the followed end of a container's log.
func (s *followedSource) before(pieces []logs.Part) bool {
	if !s.running {
		s.pieces = pieces
	}
	return !s.running
}

// parser makes the parser of a text. Where the text does not tell the order of its
// dates, that is the one of the text before.
func (s *followedSource) parser(text logs.Text) *line.Parser {
	p := line.NewParser(s.Scan.Zone, s.Scan.Now)
	p.Wear(s.Style(s.name))
	if s.last != nil {
		p.Like(s.last)
	}
	if s.last = p; index.Learn(p, text, text.Size()) || s.running || len(s.old) == 0 {
		return p
	}
	if before, _ := s.old[len(s.old)-1].Open(s.ctx); before != nil {
		index.Learn(p, before, before.Size())
		before.Close()
	}
	return p
}

// followed is one text being followed.
type followed struct {
	f    *Follower
	of   *followedSource // nil for a stream
	name string
	text logs.Text
	live *store.Live
	off  int64 // read up to here
	size int64 // may be read up to here: beyond off lies a line without its end
}

// Begin starts a text: what was there before is left to the search.
func (s *followedSource) Begin(name string, text logs.Text) logfile.Track {
	f := s.Follower
	t := &followed{f: f, of: s, name: name, text: text}
	line := int64(0)
	if !f.running {
		t.off = index.LastBreak(text, text.Size())
		before := int64(0)
		if f.Numbered {
			if n := len(s.pieces); n > 0 {
				before, _ = logfile.LinesTo(s.ctx, s.pieces[n-1])
			}
			line, _ = index.CountLines(text, t.off)
			line += before
		}
		f.fresh = append(f.fresh, frozenPart{name, frozenText{text, t.off}, before})
	}
	t.live = store.NewLive(f.Scan.Query, name, line, s.parser(text), f.emit)
	t.live.Each = f.Numbered
	f.tracks = append(f.tracks, t)
	s.open = append(s.open, t)
	return t
}

// frozen are the texts begun since the last call, as they were.
func (f *Follower) frozen() []logs.Part {
	out := f.fresh
	f.fresh = nil
	return out
}

func (f *Follower) start() {
	f.running = true
	f.Flush()
}

// emit hands on one event.
func (f *Follower) emit(e logs.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.Limit > 0 && f.seen >= f.Limit {
		return
	}
	if f.seen++; f.Limit > 0 && f.seen == f.Limit {
		defer f.enough()
	}
	f.Emit(&e)
}

// idle passes on what waited long enough.
func (f *Follower) idle() {
	for _, t := range f.tracks {
		if !t.continues() {
			t.live.Quiet(settle)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Flush()
}

// Grow reads the whole lines that came. A line without its end waits for it: printed in two
// parts it would be two events.
func (t *followed) Grow(size int64, same func() bool) bool {
	if !t.f.running || size <= t.off {
		return true
	}
	t.size = size
	for _, o := range t.of.open { // what it holds was written before this
		if o != t {
			o.live.Quiet(0)
		}
	}
	return t.readTo(t.wholeTo(size), same)
}

// wholeTo is the end of the last whole line before size.
func (t *followed) wholeTo(size int64) int64 {
	return max(t.off, index.LastBreak(t.text, size))
}

// continues tells that the line which waits for its end is indented: the event
// before it goes on there.
func (t *followed) continues() bool {
	if t.text == nil || !t.live.Holds() || logfile.Ahead(t.text) <= t.off {
		return false
	}
	var first [1]byte
	n, _ := t.text.ReadAt(first[:], t.off)
	return n == 1 && (first[0] == ' ' || first[0] == '\t')
}

func (t *followed) readTo(end int64, same func() bool) bool {
	off, err := t.live.Read(t.text, t.off, end, same)
	if t.off = off; err != nil {
		t.f.Warn(t.name, err)
	}
	return off == end
}

// Settle reads half a line that waited long enough.
func (t *followed) Settle(same func() bool) bool {
	return t.f.running && (t.size <= t.off || t.readTo(t.size, same))
}

// Swap reads on from a copy.
func (t *followed) Swap(text logs.Text) { t.text = text }

// End passes on what was waited for, a last line without its end too.
func (t *followed) End() {
	if t.size > t.off {
		t.readTo(t.size, nil)
	}
	t.live.Quiet(0)
	t.leave()
	t.text.Close()
}

// leave takes it off the lists.
func (t *followed) leave() {
	is := func(o *followed) bool { return o == t }
	t.of.open = slices.DeleteFunc(t.of.open, is)
	t.f.tracks = slices.DeleteFunc(t.f.tracks, is)
}

// Lost passes on half a line that was waited for, and says that the rest is gone.
func (t *followed) Lost() {
	if t.size > t.off {
		_, _ = t.live.Read(t.text, t.off, t.size, nil) // unless it was too long to be kept
	}
	t.live.Quiet(0)
	t.leave()
	t.f.Note(lang.M("%s was truncated: it starts over", t.name))
}

// stream follows what has no file.
func (f *Follower) stream(ctx context.Context, name string, s logfile.Streamer) {
	done := make(chan error, 1)
	f.streams = append(f.streams, done)
	parser := line.NewParser(f.Scan.Zone, f.Scan.Now)
	parser.Wear(f.Style(name))
	live := store.NewLive(f.Scan.Query, name, 0, parser, f.emit)
	live.Each = f.Numbered
	f.tracks = append(f.tracks, &followed{f: f, name: name, live: live})
	go func() {
		err := logfile.StreamTo(ctx, s, func(r io.ReaderAt, from, to int64) {
			if from == 0 {
				index.Learn(parser, r, to)
			}
			live.Read(r, from, to, nil)
		}, func(err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.Warn(name, err)
		})
		live.Quiet(0)
		done <- err
	}()
}

// wait waits for the streams to end, passing on what they say.
func (f *Follower) wait(ctx context.Context) {
	tick := time.NewTicker(settle)
	defer tick.Stop()
	for len(f.streams) > 0 && ctx.Err() == nil {
		select {
		case err := <-f.streams[0]:
			if err != nil && ctx.Err() == nil {
				f.Warn("-", err)
			}
			f.streams = f.streams[1:]
		case <-ctx.Done():
		case <-tick.C:
		}
		f.idle()
	}
}

// frozenPart is a text as far as it went at a moment.
type frozenPart struct {
	name   string
	text   frozenText
	before int64 // lines, in pieces that stand for themselves
}

func (p frozenPart) Name() string { return p.name }
func (p frozenPart) LinesBefore(context.Context) (int64, error) {
	return p.before, nil
}
func (p frozenPart) Open(context.Context) (logs.Text, error) { return p.text, nil }

type frozenText struct {
	logs.Text
	size int64
}

func (t frozenText) Size() int64 { return t.size }

// Written is when the text was last written to.
func (t frozenText) Written() time.Time { return logs.WrittenAt(t.Text) }

func (t frozenText) Close() error { return nil }
