package index

import (
	"bytes"
	"io"
	"slices"
)

// regionText is a text of which one region is held.
type regionText struct {
	io.ReaderAt
	held []byte
	off  int64
}

func (t *regionText) ReadAt(p []byte, off int64) (int, error) {
	if at := off - t.off; at >= 0 && at+int64(len(p)) <= int64(len(t.held)) {
		return copy(p, t.held[at:]), nil
	}
	return t.ReaderAt.ReadAt(p, off)
}

// give copies to each event's first hit the event's text, which it puts into a room.
func (t *regionText) give(hits []Hit, into *room) {
	size := int64(0)
	for i := range hits {
		if h := &hits[i]; i == 0 || h.Head != hits[i-1].Head {
			size += h.Last - h.Head
		}
	}
	texts := slices.Grow(into.texts, int(size))
	into.texts = texts
	for i := range hits {
		if h := &hits[i]; i == 0 || h.Head != hits[i-1].Head {
			from := len(texts)
			texts = append(texts, t.held[h.Head-t.off:h.Last-t.off]...)
			h.event = texts[from:]
		}
	}
}

// room is memory for the hits of a region and their texts, both empty.
type room struct {
	hits  []Hit
	texts []byte
}

// firstTexts is the room for a region's texts at first.
const firstTexts = 256 << 10

// take takes the room for texts.
func (r *room) take() []byte {
	if r.texts == nil {
		r.texts = make([]byte, 0, firstTexts)
	}
	return r.texts
}

// keep keeps the room of texts for others.
func (r *room) keep(texts []byte) {
	if texts != nil {
		r.texts = texts[:0]
	}
}

// takeRoom takes the room of hits that are done with, or new room.
func (s *Scan) takeRoom() *room {
	select {
	case r := <-s.rooms:
		return r
	default:
		return &room{}
	}
}

// done gives back the room of hits that nobody uses any more.
func (s *Scan) done(f *found) {
	if f.room == nil || !s.Texts {
		return
	}
	if f.texts == nil {
		f.room.hits = f.hits[:0]
	}
	select {
	case s.rooms <- f.room:
	default:
	}
	f.room = nil
}

// appendText appends text that was read as ReadText gives it, as lines.
func appendText(out, buf []byte) []byte {
	if bytes.IndexByte(buf, '\r') >= 0 || bytes.IndexByte(buf, 0x1b) >= 0 || bytes.HasPrefix(buf, hole[:]) {
		buf = []byte(textOf(buf))
	}
	if len(buf) == 0 {
		return out
	}
	if cap(out)-len(out) <= len(buf) {
		out = slices.Grow(out, max(len(buf)+1, len(out)))
	}
	return append(append(out, buf...), '\n')
}
