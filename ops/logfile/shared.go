package logfile

import (
	"sync/atomic"
	"time"

	"opsdeck/ops/logs"
)

// shared is the sink of a new file that matches a pattern. A copy of a log under a name
// that no rotation uses matches too: what the file has in common with the start of a
// followed one was delivered there and is hidden here. What comes after it is delivered.
type shared struct {
	Sink
	with  []*Tail
	begun bool
}

// Begin hides the shared part of the first text, also of one that is still empty: a copy is
// created before it is filled. Later texts are the file's own.
func (s *shared) Begin(name string, text logs.Text) Track {
	if s.begun {
		return s.Sink.Begin(name, text)
	}
	s.begun = true
	h := &hidden{Text: text, with: s.with}
	size := text.Size()
	if h.extend(size); size > 0 && h.from.Load() == 0 {
		return s.Sink.Begin(name, text)
	}
	return &hiding{Track: s.Sink.Begin(name, h), text: h}
}

// hidden is a text without its first bytes.
type hidden struct {
	logs.Text
	with      []*Tail
	from      atomic.Int64
	delivered atomic.Bool // something after from was delivered
}

// Whole is the complete text behind a text given to a sink; the first from bytes are
// hidden.
func Whole(text logs.Text) (whole logs.Text, from int64) {
	if late, ok := text.(*lateText); ok {
		if sp, _ := late.converted(); sp == nil {
			text = late.Text
		}
	}
	if h, ok := text.(*hidden); ok {
		return h.Text, h.from.Load()
	}
	return text, 0
}

// extend hides more shared text: the copy may still be in progress.
func (h *hidden) extend(size int64) {
	if h.delivered.Load() || size <= h.from.Load() {
		return
	}
	for _, t := range h.with {
		if n := t.common(h.Text, size); n >= printBytes { // with less, programs may merely start their logs alike
			h.from.Store(max(h.from.Load(), n))
		}
	}
}

// ReadAt reads after the hidden part.
func (h *hidden) ReadAt(p []byte, off int64) (int, error) { return h.Text.ReadAt(p, off+h.from.Load()) }

// Size is the size of the visible part.
func (h *hidden) Size() int64 { return max(0, h.Text.Size()-h.from.Load()) }

// Written is the file's modification time.
func (h *hidden) Written() time.Time { return logs.WrittenAt(h.Text) }

// hiding reports the growth of the visible part.
type hiding struct {
	Track
	text *hidden
}

// Grow reports the part that is not shared.
func (h *hiding) Grow(size int64, same func() bool) bool {
	h.text.extend(size)
	from := h.text.from.Load()
	if size <= from {
		return true
	}
	h.text.delivered.Store(true)
	return h.Track.Grow(size-from, same)
}

// Swap reads the same text from elsewhere.
func (h *hiding) Swap(text logs.Text) {
	swapped := &hidden{Text: text}
	swapped.from.Store(h.text.from.Load())
	swapped.delivered.Store(true)
	h.text = swapped
	h.Track.Swap(swapped)
}

// common is how many of a text's first size bytes were delivered as the start of a text
// that this tail follows or followed.
func (t *Tail) common(text logs.Text, size int64) (n int64) {
	for _, o := range append(t.old[:len(t.old):len(t.old)], t.cur) {
		if o == nil {
			continue
		}
		if is := min(size, o.grownTo); o.same() && prefix(o.file, is, text) {
			n = max(n, is)
		}
		for _, m := range o.marks { // it may have been truncated since
			k := known{head: o.head[:min(int64(len(o.head)), m.size)], foot: m.foot, size: m.size}
			if m.size <= min(size, o.grownTo) && m.size > n && k.begins(text) {
				n = m.size
			}
		}
	}
	for _, k := range t.texts {
		if k.size <= size && k.size > n && k.begins(text) {
			n = k.size
		}
	}
	return n
}
