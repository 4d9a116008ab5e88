package logs

import (
	"io"
	"math/bits"
)

// Sizes of the index.
const (
	blockBytes = 4 << 20   // text of a block
	headSearch = 256 << 10 // how far the start of a block is moved to begin with a timed head
)

// Block is the index of a stretch of text that begins with an event's head: for
// every line where it starts, its shape and its time. The text stays where it is.
type Block struct {
	Off, End int64 // of the text
	starts   []uint32
	shapes   []uint32
	times    []int64 // ms since 1970, of the event; unset while none is known
	heads    bitmap
	sum      Summary
	partial  bool // the last line has no line break yet
	back     bool // somewhere the time runs backwards
	last     marked
	before   *counted // what was counted before a last line that is partial
}

// marked is what the lines of an event say that is counted once for it.
type marked struct{ critical, slow bool }

// counted is a summary at a line.
type counted struct {
	sum  Summary
	last marked
}

// Summary counts what lines say.
type Summary struct {
	Lines, Events   int64
	ByLevel         [levelCount]int64 // events
	Critical, Slow  int64             // events
	FirstMS, LastMS int64             // of the times; unset when there is none
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
	if o.FirstMS != unset && (s.FirstMS == unset || s.FirstMS == 0 || o.FirstMS < s.FirstMS) {
		s.FirstMS = o.FirstMS
	}
	if o.LastMS != unset && (s.LastMS == unset || o.LastMS > s.LastMS) {
		s.LastMS = o.LastMS
	}
}

// Lines is how many lines the block has.
func (b *Block) Lines() int { return len(b.starts) }

// lineAt returns where a line's text begins and ends, without its line break.
func (b *Block) lineAt(i int) (off, end int64) {
	off, end = b.Off+int64(b.starts[i]), b.End
	if i+1 < len(b.starts) {
		return off, b.Off + int64(b.starts[i+1]) - 1
	}
	if !b.partial {
		end--
	}
	return off, end
}

// key is the time by which line i is merged with other sources: its time, but
// never less than that of a line before it.
func (b *Block) key(i int) int64 {
	if !b.back {
		return b.times[i]
	}
	k := int64(unset)
	for _, t := range b.times[:i+1] {
		k = max(k, t)
	}
	return k
}

// headOf returns the line that starts the event of line i.
func (b *Block) headOf(i int) int {
	for i > 0 && !b.heads.has(i) {
		i--
	}
	return i
}

// eventEnd returns the line after the last one of the event of line i.
func (b *Block) eventEnd(i int) int {
	for i++; i < len(b.starts) && !b.heads.has(i); i++ {
	}
	return i
}

// bitmap is a set of a block's lines.
type bitmap []uint64

func newBitmap(n int) bitmap    { return make(bitmap, (n+63)/64) }
func (b bitmap) has(i int) bool { return i>>6 < len(b) && b[i>>6]>>(i&63)&1 != 0 }
func (b bitmap) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b *bitmap) grow(n int) {
	for len(*b)*64 < n {
		*b = append(*b, 0)
	}
}
func (b bitmap) count() (n int) {
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// rank returns how many members lie before place i.
func (b bitmap) rank(i int) (n int) {
	for w := 0; w < i>>6 && w < len(b); w++ {
		n += bits.OnesCount64(b[w])
	}
	if i>>6 < len(b) {
		n += bits.OnesCount64(b[i>>6] & (1<<(i&63) - 1))
	}
	return n
}

// next returns the first member at or after place i, or -1.
func (b bitmap) next(i int) int {
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

// criticalAt tells whether a line of the event of a head is one of the errors that
// need a person at once. Without the text, which may be nil, shapes alone tell.
func (b *Block) criticalAt(head int, list []*Shape, text io.ReaderAt) bool {
	for i, end := head, b.eventEnd(head); i < end; i++ {
		s := list[b.shapes[i]]
		if s.critical || s.opaque && text != nil && critical(b.seen(i, text)) {
			return true
		}
	}
	return false
}

// slowAt tells whether a line of the event of a head says that something took
// SlowMS or more.
func (b *Block) slowAt(head int, list []*Shape, text io.ReaderAt) bool {
	for i, end := head, b.eventEnd(head); i < end; i++ {
		if s := list[b.shapes[i]]; (s.took || s.opaque) && Took(b.seen(i, text)) >= SlowMS {
			return true
		}
	}
	return false
}

// seen is a line as a person sees it, as much as is shown of one; empty when it
// cannot be read.
func (b *Block) seen(i int, text io.ReaderAt) []byte {
	off, end := b.lineAt(i)
	buf := make([]byte, min(end-off, rowText))
	if readFull(text, buf, off) != nil {
		return nil
	}
	return Visible(buf, nil)
}

// rowText bounds how much of a line is taken for the list: enough to understand
// JSON that is longer than a screen.
const rowText = 256 << 10
