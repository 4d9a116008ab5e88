// Package rowgzip compresses the rows of tables, written as SQL, into gzip members,
// with half the work that a general encoder takes for it and to the same size. It
// knows what such text is like: rows that repeat the ones before but for their
// digits and hashes, from the boundaries of their fields on.
//
// It is written by hand because dumping is bound by compression. Measured on the rows of
// a dump, one core: 225 MB/s at 22.5 % of the size; klauspost/compress at level 1 writes
// 59 MB/s at 24.0 %, zstd at its fastest 128 MB/s at 21.7 %.
//
// What it writes is plain gzip (RFC 1952 and 1951): any reader reads it.
package rowgzip

import (
	"encoding/binary"
	"hash/crc32"
)

// Encoder compresses one member after another. The zero value is ready; its
// memory is three quarters of a megabyte. It is not for several goroutines at a time.
type Encoder struct {
	table  [1 << tableBits]int32 // where six bytes of this hash were seen last
	chains chains                // the same for text with few boundaries
	seqs   []sequence            // of the block at hand
	lit    [256]uint32           // how often each literal is in it
	length [numLength]uint32     // how often each code of a length is
	dist   [numDist]uint32       // how often each code of a distance is
	codes  codes
}

const (
	tableBits  = 15
	window     = 1 << 15   // how far back a match may lie
	blockBytes = 256 << 10 // of text with one set of codes
	margin     = 16        // before the text's end, where eight bytes may not be loaded
	never      = -2 * window
)

// reach is how much text the table's places can tell apart; tests make it small.
var reach = 1 << 30

// sequence is literals and the match that follows them: the number of literals,
// the match's length (0: none) and its distance less one, 32, 16 and 16 bits from
// the top.
type sequence uint64

func (q sequence) literals() int    { return int(q >> 32) }
func (q sequence) length() int      { return int(q >> 16 & 0xffff) }
func (q sequence) distance() uint32 { return uint32(q & 0xffff) }

// header of a member: deflate, no name, no time, fastest, unknown system.
var header = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}

// Append appends text to dst as one gzip member.
func (e *Encoder) Append(dst, text []byte) []byte {
	w := bitWriter{out: append(dst, header...)}
	if len(text) == 0 {
		w.stored(nil, true)
	}
	for rest := text; len(rest) > 0; {
		part := rest[:min(len(rest), reach)]
		rest = rest[len(part):]
		e.deflate(&w, part, len(rest) == 0)
	}
	w.align()
	out := binary.LittleEndian.AppendUint32(w.out, crc32.ChecksumIEEE(text))
	return binary.LittleEndian.AppendUint32(out, uint32(len(text)))
}

// deflate appends a part of the text, which refers to no other part.
func (e *Encoder) deflate(w *bitWriter, text []byte, last bool) {
	for i := range e.table {
		e.table[i] = never
	}
	e.chains.least = 0
	dense := false
	for at := 0; at < len(text); {
		end := 0
		dense = dense || rare(text[at:min(len(text), at+blockBytes)])
		if !dense {
			end = e.find(text, at)
			dense = e.wordy(end - at)
		}
		if dense {
			end = e.findDense(text, at)
		}
		e.write(w, text[at:end], last && end == len(text))
		at = end
	}
}

func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// hash is that of the minMatch bytes at the low end of v.
func hash(v uint64) uint32 {
	return uint32(v << (64 - 8*minMatch) * 0x9E3779B185EBCA87 >> (64 - tableBits))
}
