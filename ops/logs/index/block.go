// Package index finds where lines and events begin in a text, and a query's hits among them.
//
// A Block is the index of a few megabytes. Scan goes through sources once; what is kept open and grows
// is in the store.
package index

import (
	"io"
	"math/bits"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Sizes of the index.
const (
	BlockBytes = 4 << 20   // text of a block
	headSearch = 256 << 10 // how far the start of a block is moved to begin with a timed head
)

// Block is the index of a stretch of text that begins with an event's head: for
// every line where it starts, its shape and its time. The text stays where it is.
type Block struct {
	Off, End int64 // of the text
	Starts   Starts
	Shapes   IDs
	Times    Times // of the events; unset while none is known
	Heads    Bitmap
	Sum      Summary
	Partial  bool    // the last line has no line break yet
	Back     bool    // somewhere the time runs backwards
	peaks    []int64 // then: the latest time up to the end of each peakLines lines
	last     marked
	flow     line.Flow // after the last line
	away     bool      // its lines are in an attic
	before   *counted  // what was counted before a last line that is partial
}

// marked is what the lines of an event say that is counted once for it.
type marked struct{ critical, slow bool }

// counted is a summary at a line.
type counted struct {
	sum  Summary
	last marked
	flow line.Flow
}

// Summary counts what lines say.
type Summary struct {
	Lines, Events   int64
	ByLevel         [logs.LevelCount]int64 // events
	Critical, Slow  int64                  // events
	FirstMS, LastMS int64                  // of the times; unset when there is none
}

// Add adds another summary's counts.
func (s *Summary) Add(o Summary) {
	s.Lines += o.Lines
	s.Events += o.Events
	s.Critical += o.Critical
	s.Slow += o.Slow
	for l := range s.ByLevel {
		s.ByLevel[l] += o.ByLevel[l]
	}
	if o.FirstMS != line.Unset && (s.FirstMS == line.Unset || s.FirstMS == 0 || o.FirstMS < s.FirstMS) {
		s.FirstMS = o.FirstMS
	}
	if o.LastMS != line.Unset && (s.LastMS == line.Unset || o.LastMS > s.LastMS) {
		s.LastMS = o.LastMS
	}
}

// Lines is how many lines the block has.
func (b *Block) Lines() int { return b.Starts.Len() }

// LineAt returns where a line's text begins and ends, without its line break.
func (b *Block) LineAt(i int) (off, end int64) {
	off = b.Off + int64(b.Starts.At(i))
	end = b.End
	if i+1 < b.Starts.Len() {
		return off, b.Off + int64(b.Starts.At(i+1)) - 1
	}
	if !b.Partial {
		end--
	}
	return off, end
}

// Key is the time by which line i is merged with other sources: its time, but
// never less than that of a line before it.
func (b *Block) Key(i int) int64 {
	if !b.Back {
		return b.Times.At(i)
	}
	k := int64(line.Unset)
	n := min(i/peakLines, len(b.peaks))
	if n > 0 {
		k = b.peaks[n-1]
	}
	for n *= peakLines; n <= i; n++ {
		k = max(k, b.Times.At(n))
	}
	return k
}

// peakLines is how many lines share a peak.
const peakLines = 256

// climb notes the peaks of lines that came, where Key needs them; the last line may change.
func (b *Block) climb() {
	for n := len(b.peaks); b.Back && (n+1)*peakLines < b.Lines(); n++ {
		b.peaks = append(b.peaks, b.Key((n+1)*peakLines-1))
	}
}

// HeadOf returns the line that starts the event of line i.
func (b *Block) HeadOf(i int) int {
	for i > 0 && !b.Heads.Has(i) {
		i--
	}
	return i
}

// EventEnd returns the line after the last one of the event of line i.
func (b *Block) EventEnd(i int) int {
	for i++; i < b.Starts.Len() && !b.Heads.Has(i); i++ {
	}
	return i
}

// Bitmap is a set of a block's lines.
type Bitmap []uint64

// NewBitmap makes an empty set with room for n lines.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)/64) }

// Has tells whether line i is in the set.
func (b Bitmap) Has(i int) bool { return i>>6 < len(b) && b[i>>6]>>(i&63)&1 != 0 }

// Set adds line i.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Grow makes room for n lines.
func (b *Bitmap) Grow(n int) {
	for len(*b)*64 < n {
		*b = append(*b, 0)
	}
}

// Count is how many lines are in the set.
func (b Bitmap) Count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// Rank returns how many members lie before place i.
func (b Bitmap) Rank(i int) (n int) {
	for w := 0; w < i>>6 && w < len(b); w++ {
		n += bits.OnesCount64(b[w])
	}
	if i>>6 < len(b) {
		n += bits.OnesCount64(b[i>>6] & (1<<(i&63) - 1))
	}
	return n
}

// Next returns the first member at or after place i, or -1.
func (b Bitmap) Next(i int) int {
	if i < 0 {
		i = 0
	}
	for w := i >> 6; w < len(b); w++ {
		word := b[w]
		if w == i>>6 {
			word &^= 1<<(i&63) - 1
		}
		if word != 0 {
			return w<<6 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// CriticalAt tells whether a line of the event of a head is one of the errors that
// need a person at once. Without the text, which may be nil, shapes alone tell.
func (b *Block) CriticalAt(head int, list []*line.Shape, text io.ReaderAt) bool {
	for i, end := head, b.EventEnd(head); i < end; i++ {
		s := list[b.Shapes.At(i)]
		if s.Critical || s.Opaque && text != nil && line.IsCritical(b.seen(i, text)) {
			return true
		}
	}
	return false
}

// SlowAt tells whether a line of the event of a head says that something took
// SlowMS or more.
func (b *Block) SlowAt(head int, list []*line.Shape, text io.ReaderAt) bool {
	for i, end := head, b.EventEnd(head); i < end; i++ {
		if s := list[b.Shapes.At(i)]; (s.HasTook || s.Opaque) && line.Took(b.seen(i, text)) >= line.SlowMS {
			return true
		}
	}
	return false
}

// seen is a line as a person sees it, as much as is shown of one; empty when it
// cannot be read.
func (b *Block) seen(i int, text io.ReaderAt) []byte {
	off, end := b.LineAt(i)
	buf := make([]byte, min(end-off, RowText))
	if line.ReadFull(text, buf, off) != nil {
		return nil
	}
	return line.Visible(buf, nil)
}

// RowText bounds how much of a line is taken for the list: enough to understand
// JSON that is longer than a screen.
const RowText = 256 << 10
