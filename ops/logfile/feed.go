package logfile

import (
	"bytes"
	"context"
	"io"
	"os"
	"sync"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/store"
)

// unpackLimit is the size of compressed rotated files that are unpacked for a store
// without a request, newest first.
const unpackLimit = 1 << 30

// Streamer is a part without a file: it writes its lines until ctx ends.
type Streamer interface {
	Stream(ctx context.Context, w *Lines) error
}

// steadyLook is how often a store's files are looked at while lines keep coming: a screen
// that shows them is not drawn more often.
const steadyLook = 700 * time.Millisecond

// Feed fills a store from sources and keeps it up to date until ctx ends; files that match
// a pattern later are followed too. It returns when everything has stopped. failed is
// called for what could not be read, and with nil once it can be read again.
func (c Config) Feed(ctx context.Context, store *store.Store, sources []logs.Source, failed func(string, error)) {
	feed(ctx, store, sources, c.Globs(nil, sources), failed)
}

func feed(ctx context.Context, store *store.Store, sources []logs.Source, globs *Globs, failed func(string, error)) {
	var tails []*Tail
	var wg sync.WaitGroup
	var old []oldPart
	var plain []seenFile
	first := true // older text has not been read yet
	for _, src := range sources {
		before := func(pieces []logs.Part) bool {
			for _, p := range pieces {
				if first {
					old = append(old, oldPart{src.Name, p})
				}
			}
			return first
		}
		for i, part := range src.Parts {
			last := i == len(src.Parts)-1
			switch p := part.(type) {
			case Streamer:
				wg.Add(1)
				go func() {
					defer wg.Done()
					if r, ok := p.(*remoteTail); ok {
						if p = (allOf{r}); r.packed(ctx) {
							feedOld(ctx, store, []oldPart{{src.Name, r}}, failed)
							return
						}
					}
					if l, ok := p.(*server); ok {
						if err := l.feed(ctx, store, src.Name); err != nil && ctx.Err() == nil {
							failed(part.Name(), err)
						}
						return
					}
					if err := feedStream(ctx, store, src.Name, part.Name(), p); err != nil && ctx.Err() == nil {
						failed(part.Name(), err)
					}
				}()
			case *File:
				if info, err := os.Stat(p.path); err == nil {
					plain = append(plain, seenFile{p.path, info})
				}
				if last && nameOf(p.path).key == "" && Grows(ctx, src) {
					t := NewTail(p.path, unwrapped{storeSink{store, src.Name}, before})
					t.OnError(func(err error) { failed(p.path, err) })
					t.OnBack(func() { failed(p.path, nil) })
					tails = append(tails, t)
					continue
				}
				old = append(old, oldPart{src.Name, p})
			default:
				old = append(old, oldPart{src.Name, p})
			}
		}
	}
	for _, t := range tails {
		t.Look() // the live texts come first
		if t.cur == nil && !t.unread {
			if _, err := NewFile(t.path).Open(ctx); err != nil {
				failed(t.path, err)
			}
		}
	}
	first = false
	wg.Add(1)
	go func() {
		defer wg.Done()
		feedOld(ctx, store, old, failed)
		tellChinese(ctx, plain, failed)
	}()
	globs.Sink = func(name string) Sink { return unwrapped{storeSink{store, name}, nil} }
	globs.Failed = failed
	globs.Back = func(name string) { failed(name, nil) }
	globs.Steady = steadyLook
	Follow(ctx, tails, globs, nil)
	wg.Wait()
}

type oldPart struct {
	source string
	part   logs.Part
}

// feedOld adds the rotated files, newest first.
func feedOld(ctx context.Context, store *store.Store, old []oldPart, failed func(string, error)) {
	unpacked := int64(0)
	for i := len(old) - 1; i >= 0 && ctx.Err() == nil; i-- {
		p := old[i]
		text, err := p.part.Open(ctx)
		if err != nil && ctx.Err() == nil {
			failed(p.part.Name(), err)
		}
		if text == nil {
			continue
		}
		if _, ok := text.(*spool); ok {
			unpacked += text.Size()
		}
		store.Add(p.source, p.part.Name(), text, false, true)
		if unpacked > unpackLimit {
			failed(p.part.Name(), errOlder(i))
			return
		}
	}
}

// storeSink puts a followed file into a store.
type storeSink struct {
	store  *store.Store
	source string
}

func (s storeSink) Begin(name string, text logs.Text) Track {
	return storeTrack{s.store.Add(s.source, name, text, true, false)}
}

type storeTrack struct{ *store.Segment }

func (t storeTrack) Grow(size int64, same func() bool) bool {
	t.Segment.Grow(size, same)
	return true
}

// Settle has nothing to do: the store shows half a line as it is.
func (t storeTrack) Settle(func() bool) bool { return true }

func (t storeTrack) End()  { t.Finish() }
func (t storeTrack) Lost() { t.Remove() }

// Lines is the destination of a Streamer: a spool that tracks where whole lines end.
type Lines struct {
	spool *spool
	grow  func(size int64)
	warn  func(error) // may be nil
	drop  func(n int64)
}

// Warn reports an error that did not end the stream.
func (l *Lines) Warn(err error) {
	if l.warn != nil {
		l.warn(err)
	}
}

// Drop reports the number of lines that the stream's server dropped.
func (l *Lines) Drop(n int64) {
	if l.drop != nil {
		l.drop(n)
	}
}

// Write appends text. Whole lines are visible at once.
func (l *Lines) Write(p []byte) (int, error) {
	before := l.spool.Size()
	n, err := l.spool.Write(p)
	if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
		l.grow(before + int64(i) + 1)
	}
	return n, err
}

func feedStream(ctx context.Context, store *store.Store, source, name string, p Streamer) error {
	sp, err := newSpool()
	if err != nil {
		return err
	}
	seg := store.Add(source, name, sp, true, false)
	err = p.Stream(
		ctx,
		&Lines{
			spool: sp,
			grow:  func(size int64) { seg.Grow(size, nil) },
			warn:  func(err error) { store.Fail(name, err) },
			drop:  store.Drop,
		},
	)
	seg.Grow(sp.Size(), nil)
	seg.Finish()
	return err
}

// StreamTo runs a stream. It calls read for every run of whole lines, and warn, which may
// be nil, for errors that did not end the stream.
func StreamTo(
	ctx context.Context, p Streamer, read func(r io.ReaderAt, from, to int64), warn func(error),
) error {
	sp, err := newSpool()
	if err != nil {
		return err
	}
	defer sp.Close()
	done := int64(0)
	grow := func(size int64) {
		read(sp, done, size)
		done = size
	}
	err = p.Stream(ctx, &Lines{spool: sp, grow: grow, warn: warn})
	if sp.Size() > done {
		grow(sp.Size())
	}
	return err
}
