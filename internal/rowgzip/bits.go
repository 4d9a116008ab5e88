package rowgzip

import "encoding/binary"

// bitWriter appends bits, the first in the lowest place of a byte.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint // fewer than 8 between calls
}

// put appends up to 56 bits.
func (w *bitWriter) put(bits uint64, n uint) {
	w.bits |= bits << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
}

// align fills up the byte.
func (w *bitWriter) align() {
	if w.n > 0 {
		w.put(0, 8-w.n)
	}
}

// The kinds of blocks.
const (
	plain   = 0
	dynamic = 2
)

// start begins a block.
func (w *bitWriter) start(kind uint64, last bool) {
	if last {
		w.put(1|kind<<1, 3)
	} else {
		w.put(kind<<1, 3)
	}
}

// stored appends text as it is.
func (w *bitWriter) stored(text []byte, last bool) {
	for {
		n := min(len(text), 1<<16-1)
		w.start(plain, last && n == len(text))
		w.align()
		w.put(uint64(n)|uint64(^uint16(n))<<16, 32)
		w.out = append(w.out, text[:n]...)
		if text = text[n:]; len(text) == 0 {
			return
		}
	}
}

// stream is a bitWriter whose output has room, for many codes at a time.
type stream struct {
	out  []byte
	at   int
	bits uint64
	n    uint
}

// put takes a code; 56 bits between two calls of flush.
func (b *stream) put(c code) {
	b.bits |= c.bits() << (b.n & 63)
	b.n += c.size()
}

func (b *stream) flush() {
	binary.LittleEndian.PutUint64(b.out[b.at:], b.bits)
	b.at += int(b.n >> 3)
	b.bits >>= b.n &^ 7 & 63
	b.n &= 7
}
