package logs

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync/atomic"
)

// Shelf keeps the indexes of texts from one run to the next.
type Shelf interface {
	// Take returns what was kept for a text, or nil; it is closed after use. With
	// same nothing has touched the text since.
	Take(text Text) (kept KeptFile, same bool)
	// Put keeps what write writes, whole or not at all.
	Put(text Text, write func(io.Writer) error) error
}

// KeptFile is an index that was kept.
type KeptFile interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Kept is the kept index of a text: blocks that are read when they are wanted,
// each only when the text that it is of has not changed. Form: blocks one behind
// the other; then the footer: a byte for the manner, the number of shapes and for each
// a line that has it (twice its length, plus 1 for a stand-in, and as much of it as
// is read), the number of blocks and for
// each its text (offset, length, checksum) and its own place, length and
// checksum; then the footer's place and checksum and the magic. Numbers are
// uvarints, those at the end of fixed size.
type Kept struct {
	file   KeptFile
	same   bool
	manner manner
	shapes []keptShape
	blocks []keptBlock
}

type keptShape struct {
	line   []byte
	size   int64
	opaque bool
	id     atomic.Int64 // in the table, plus 1; 0 while unknown
}

type keptBlock struct {
	of       *Kept
	off, end int64
	sum      uint32 // of the text
	at       int64
	size     int64
	own      uint32 // checksum of the block's bytes
}

const (
	keptMagic   = "opsdeck log index 4\n"
	keptTrailer = 8 + 4 + len(keptMagic)
	keptFooter  = 64 << 20 // at most
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openKept reads the footer; nil when it is not one, or of another text.
func openKept(file KeptFile, same bool, size int64) *Kept {
	n := file.Size()
	tail := make([]byte, keptTrailer)
	if n < int64(len(tail)) || readFull(file, tail, n-int64(len(tail))) != nil || string(tail[12:]) != keptMagic {
		return nil
	}
	at := int64(binary.LittleEndian.Uint64(tail))
	length := n - int64(len(tail)) - at
	if at < 0 || length < 0 || length > keptFooter {
		return nil
	}
	foot := make([]byte, length)
	if readFull(file, foot, at) != nil || crc32.Checksum(foot, castagnoli) != binary.LittleEndian.Uint32(tail[8:]) {
		return nil
	}
	k := &Kept{file: file, same: same}
	if !k.readFooter(foot) || !k.fits(at, size) {
		return nil
	}
	return k
}

// numbers reads uvarints; it is bad once one is missing.
type numbers struct {
	b   []byte
	bad bool
}

func (n *numbers) next() int64 {
	v, size := binary.Uvarint(n.b)
	if size <= 0 || v > 1<<62 {
		n.bad, n.b = true, nil
		return 0
	}
	n.b = n.b[size:]
	return int64(v)
}

// signed reads a number that may be negative.
func (n *numbers) signed() int64 {
	v, size := binary.Varint(n.b)
	if size <= 0 {
		n.bad, n.b = true, nil
		return 0
	}
	n.b = n.b[size:]
	return v
}

// bytes takes so many bytes.
func (n *numbers) bytes(size int64) []byte {
	if size > int64(len(n.b)) {
		n.bad, n.b = true, nil
		return nil
	}
	out := n.b[:size]
	n.b = n.b[size:]
	return out
}

// count reads how many things follow, each of which takes at least a byte.
func (n *numbers) count() int {
	v := n.next()
	if v > int64(len(n.b)) {
		n.bad = true
		return 0
	}
	return int(v)
}

func (k *Kept) readFooter(foot []byte) bool {
	n := numbers{b: foot}
	k.manner = mannerOf(n.next())
	k.shapes = make([]keptShape, n.count())
	for i := range k.shapes {
		s := &k.shapes[i]
		v := n.next()
		s.size, s.opaque = v>>1, v&1 != 0
		s.line = n.bytes(min(s.size, windowBytes))
	}
	k.blocks = make([]keptBlock, n.count())
	for i := range k.blocks {
		b := &k.blocks[i]
		b.of, b.off = k, n.next()
		b.end = b.off + n.next()
		b.sum, b.at, b.size, b.own = uint32(n.next()), n.next(), n.next(), uint32(n.next())
	}
	return !n.bad && len(n.b) == 0
}

// fits tells whether the blocks lie one behind the other within the text, and
// their bytes within the file. A text that was touched keeps no block that ended
// where the text did: its last line may have gone on.
func (k *Kept) fits(foot, size int64) bool {
	if n := len(k.blocks); n > 0 && !k.same {
		k.blocks = k.blocks[:n-1]
	}
	for i, b := range k.blocks {
		if b.end > size || b.end <= b.off || b.at+b.size > foot || b.size > 1<<30 ||
			i > 0 && b.off != k.blocks[i-1].end {
			return false
		}
	}
	return len(k.blocks) > 0
}

// isOf tells whether the first and the last block are of the text, as far as it
// was touched since.
func (k *Kept) isOf(text io.ReaderAt) bool {
	if k.same {
		return true
	}
	buf := make([]byte, windowBytes)
	for _, b := range []keptBlock{k.blocks[0], k.blocks[len(k.blocks)-1]} {
		if sum, err := textSum(text, b.off, b.end, buf); err != nil || sum != b.sum {
			return false
		}
	}
	return true
}

// load reads the block, when its text is what it was.
func (b *keptBlock) load(by *builder, text io.ReaderAt) (*Block, bool) {
	if !b.of.same {
		sum, err := textSum(text, b.off, b.end, by.buf)
		if err != nil || sum != b.sum {
			return nil, false
		}
	}
	data := make([]byte, b.size)
	if readFull(b.of.file, data, b.at) != nil || crc32.Checksum(data, castagnoli) != b.own {
		return nil, false
	}
	return b.decode(by, data)
}

func textSum(r io.ReaderAt, off, end int64, buf []byte) (sum uint32, err error) {
	for off < end {
		n := min(int64(len(buf)), end-off)
		if err := readFull(r, buf[:n], off); err != nil {
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, buf[:n])
		off += n
	}
	return sum, nil
}

// shape returns the number of a kept shape in the table, by understanding the line
// that it was found in.
func (k *Kept) shape(i int64, by *builder) (uint32, bool) {
	if i < 0 || i >= int64(len(k.shapes)) {
		return 0, false
	}
	s := &k.shapes[i]
	if id := s.id.Load(); id != 0 {
		return uint32(id - 1), true
	}
	id := uint32(0)
	if line := trimCR(s.line); s.opaque {
		id = by.table.opaque(visible(line, &by.vis), by.parser)
	} else {
		id, _, _, _ = by.shapeOf(line, s.size)
	}
	s.id.Store(int64(id) + 1)
	return id, true
}

// Close closes the file.
func (k *Kept) Close() {
	if k != nil {
		k.file.Close()
	}
}

// unsetMS stands for a time that is not known.
const unsetMS = -1 << 61

func keptMS(ms int64) int64 {
	if ms == unset {
		return unsetMS
	}
	return ms
}

func freshMS(ms int64) int64 {
	if ms == unsetMS {
		return unset
	}
	return ms
}

// encode appends the block's bytes; local numbers its shapes.
func (b *Block) encode(out []byte, local func(line int) uint64) []byte {
	u := func(v int64) { out = binary.AppendUvarint(out, uint64(v)) }
	u(int64(len(b.starts)))
	flags := int64(0)
	if b.partial {
		flags |= 1
	}
	if b.back {
		flags |= 2
	}
	flags |= one(b.last.critical)<<2 | one(b.last.slow)<<3
	u(flags)
	u(b.sum.Events)
	u(b.sum.Critical)
	u(b.sum.Slow)
	for _, n := range b.sum.ByLevel {
		u(n)
	}
	out = binary.AppendVarint(out, keptMS(b.sum.FirstMS))
	out = binary.AppendVarint(out, keptMS(b.sum.LastMS))
	last, lastMS := uint32(0), int64(0)
	for i, at := range b.starts {
		u(int64(at - last))
		u(int64(local(i)))
		ms := keptMS(b.times[i])
		out = binary.AppendVarint(out, ms-lastMS)
		last, lastMS = at, ms
	}
	u(int64(len(b.heads)))
	for _, w := range b.heads {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

func (b *keptBlock) decode(by *builder, data []byte) (*Block, bool) {
	n := numbers{b: data}
	lines := n.count()
	blk := &Block{
		Off:    b.off,
		End:    b.end,
		starts: make([]uint32, lines),
		shapes: make([]uint32, lines),
		times:  make([]int64, lines),
	}
	flags := n.next()
	blk.partial, blk.back, blk.last = flags&1 != 0, flags&2 != 0, marked{flags&4 != 0, flags&8 != 0}
	s := &blk.sum
	s.Lines, s.Events, s.Critical, s.Slow = int64(lines), n.next(), n.next(), n.next()
	for l := range s.ByLevel {
		s.ByLevel[l] = n.next()
	}
	s.FirstMS, s.LastMS = freshMS(n.signed()), freshMS(n.signed())
	at, ms := int64(0), int64(0)
	for i := range lines {
		step := n.next()
		at += step
		id, ok := b.of.shape(n.next(), by)
		if !ok || at >= b.end-b.off || n.bad || i > 0 && step == 0 {
			return nil, false
		}
		ms += n.signed()
		blk.starts[i], blk.shapes[i], blk.times[i] = uint32(at), id, freshMS(ms)
	}
	words := n.next()
	if n.bad || words*8 != int64(len(n.b)) {
		return nil, false
	}
	blk.heads = make(bitmap, words)
	for i := range blk.heads {
		blk.heads[i] = binary.LittleEndian.Uint64(n.b[i*8:])
	}
	return blk, blk.heads.next(lines) < 0
}
