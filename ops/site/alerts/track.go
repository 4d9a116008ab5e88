package alerts

import (
	"slices"
	"time"

	"opsdeck/ops/alert"
	"opsdeck/ops/logfile"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
	"opsdeck/ops/logs/store"
)

// track is one text that is read.
type track struct {
	of    *sink
	text  logs.Text
	live  *store.Live
	off   int64     // read up to here
	size  int64     // may be read up to here
	after time.Time // lines that say that they are older are left out
	last  time.Time // the newest time in it
}

// Grow reads the whole lines that came.
func (t *track) Grow(size int64, same func() bool) bool {
	r := t.of.reader
	r.mu.Lock()
	defer r.mu.Unlock()
	if !t.of.caught && !r.running {
		t.size = max(t.size, size)
		return true
	}
	if size <= t.off {
		return true
	}
	t.size = size
	for _, o := range t.of.open { // what it holds was written before this
		if o != t {
			o.live.Quiet(0)
		}
	}
	return t.read(max(t.off, index.LastBreak(t.text, size)), same)
}

// Settle reads half a line that waited long enough.
func (t *track) Settle(same func() bool) bool {
	r := t.of.reader
	r.mu.Lock()
	defer r.mu.Unlock()
	if !t.of.caught && !r.running {
		return false
	}
	return t.size <= t.off || t.read(t.size, same)
}

// catchUp reads what was there when following began.
func (t *track) catchUp() {
	if t.size > t.off {
		t.read(max(t.off, index.LastBreak(t.text, t.size)), nil)
	}
}

func (t *track) read(end int64, same func() bool) bool {
	off, err := t.live.Read(t.text, t.off, end, same)
	if t.off = off; err != nil {
		t.of.warn(t.of.name, err)
	}
	return off == end
}

// Swap reads on from a copy.
func (t *track) Swap(text logs.Text) {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.text = text
}

// End takes what was waited for, a last line without its end too.
func (t *track) End() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.size > t.off {
		t.read(t.size, nil)
	}
	t.end()
}

// Lost takes half a line that was waited for, the rest is gone.
func (t *track) Lost() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.size > t.off {
		_, _ = t.live.Read(t.text, t.off, t.size, nil) // unless it was too long to be kept
	}
	t.end()
}

// end takes it off the lists.
func (t *track) end() {
	t.live.Quiet(0)
	is := func(o *track) bool { return o == t }
	t.of.open = slices.DeleteFunc(t.of.open, is)
	t.of.tracks = slices.DeleteFunc(t.of.tracks, is)
	t.text.Close()
}

// take gives an event to the rules.
func (t *track) take(e logs.Event) {
	if e.Time.After(t.last) {
		t.last = e.Time
	}
	if !e.Time.IsZero() && e.Time.Before(t.after) {
		return
	}
	t.of.match(&e)
}

const (
	headBytes = 256
	footBytes = 64
)

// place is how far the text was read, by what was passed on.
func (t *track) place(now time.Time) alert.Place {
	p := alert.Place{At: now, Last: t.last}
	if t.text == nil {
		return p
	}
	text, from := logfile.Whole(t.text)
	p.Size = from + t.off - t.live.Held()
	p.Head = bytesAt(text, 0, min(headBytes, p.Size))
	p.Foot = bytesAt(text, max(0, p.Size-footBytes), p.Size)
	return p
}
