package logfile

import (
	"time"

	"opsdeck/ops/logs"
)

// shared is the sink of a file that came to fit a pattern. A copy of a log under a name
// that no rotation uses fits too: what the file has in common with the beginning of one
// that is followed was told of there, and is hidden here. What comes after it is told.
type shared struct {
	Sink
	with  []*Tail
	begun bool
}

// Begin hides what the first text shares; later ones are the file's own.
func (s *shared) Begin(name string, text logs.Text) Track {
	if s.begun {
		return s.Sink.Begin(name, text)
	}
	s.begun = true
	h := &hidden{Text: text, with: s.with}
	if h.extend(text.Size()); h.from == 0 {
		return s.Sink.Begin(name, text)
	}
	return &hiding{Track: s.Sink.Begin(name, h), text: h}
}

// hidden is a text without its first bytes.
type hidden struct {
	logs.Text
	with []*Tail
	from int64
	told bool // something after from was told of
}

// Whole is a text that a sink was given with what is hidden of it, the first from bytes.
func Whole(text logs.Text) (whole logs.Text, from int64) {
	if h, ok := text.(*hidden); ok {
		return h.Text, h.from
	}
	return text, 0
}

// extend hides what more is shared: the copy may still be under way.
func (h *hidden) extend(size int64) {
	if h.told || size <= h.from {
		return
	}
	for _, t := range h.with {
		if n := t.common(h.Text, size); n >= printBytes { // less, any program may begin its log with
			h.from = max(h.from, n)
		}
	}
}

// ReadAt reads after what is hidden.
func (h *hidden) ReadAt(p []byte, off int64) (int, error) { return h.Text.ReadAt(p, off+h.from) }

// Size is that of what is not hidden.
func (h *hidden) Size() int64 { return max(0, h.Text.Size()-h.from) }

// Written is when the file was written last.
func (h *hidden) Written() time.Time {
	if d, ok := h.Text.(logs.Dated); ok {
		return d.Written()
	}
	return time.Time{}
}

// hiding tells of the growth of what is not hidden.
type hiding struct {
	Track
	text *hidden
}

// Grow tells of what is not shared.
func (h *hiding) Grow(size int64, same func() bool) bool {
	h.text.extend(size)
	if size <= h.text.from {
		return true
	}
	h.text.told = true
	return h.Track.Grow(size-h.text.from, same)
}

// Swap reads the same from elsewhere.
func (h *hiding) Swap(text logs.Text) {
	h.text = &hidden{Text: text, from: h.text.from, told: true}
	h.Track.Swap(h.text)
}

// common is how many of the first size bytes of a text were told of as the beginning of
// what this follows, or followed.
func (t *Tail) common(text logs.Text, size int64) (n int64) {
	for _, o := range append(t.old[:len(t.old):len(t.old)], t.cur) {
		if o == nil {
			continue
		}
		if is := min(size, o.told); o.same() && prefix(o.file, is, text) {
			n = max(n, is)
		}
		for _, m := range o.marks { // truncated since, perhaps
			k := known{head: o.head[:min(int64(len(o.head)), m.size)], foot: m.foot, size: m.size}
			if m.size <= min(size, o.told) && m.size > n && k.begins(text) {
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
