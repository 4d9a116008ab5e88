package index

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync/atomic"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// Shelf keeps the indexes of texts from one run to the next.
type Shelf interface {
	// Take returns what was kept for a text, or nil; it is closed after use. With
	// same nothing has touched the text since.
	Take(text logs.Text) (kept KeptFile, same bool)
	// Put keeps what write writes, whole or not at all.
	Put(text logs.Text, write func(io.Writer) error) error
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
	File   KeptFile
	Same   bool
	manner Manner
	Shapes []keptShape
	Blocks []keptBlock
}

type keptShape struct {
	Line   []byte
	size   int64
	opaque bool
	id     atomic.Int64 // in the table, plus 1; 0 while unknown
}

type keptBlock struct {
	of       *Kept
	Off, End int64
	sum      uint32 // of the text
	At       int64
	size     int64
	own      uint32 // checksum of the block's bytes
}

const (
	keptMagic   = "opsdeck log index 8\n"
	keptTrailer = 8 + 4 + len(keptMagic)
	keptFooter  = 64 << 20 // at most
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenKept reads the footer; nil when it is not one, or of another text.
func OpenKept(file KeptFile, same bool, size int64) *Kept {
	n := file.Size()
	tail := make([]byte, keptTrailer)
	if n < int64(len(tail)) || logline.ReadFull(file, tail, n-int64(len(tail))) != nil ||
		string(tail[12:]) != keptMagic {
		return nil
	}
	at := int64(binary.LittleEndian.Uint64(tail))
	length := n - int64(len(tail)) - at
	if at < 0 || length < 0 || length > keptFooter {
		return nil
	}
	foot := make([]byte, length)
	if logline.ReadFull(file, foot, at) != nil ||
		crc32.Checksum(foot, castagnoli) != binary.LittleEndian.Uint32(tail[8:]) {
		return nil
	}
	k := &Kept{File: file, Same: same}
	if !k.ReadFooter(foot) || !k.Fits(at, size) {
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

// ReadFooter reads the shapes and blocks of a kept index.
func (k *Kept) ReadFooter(foot []byte) bool {
	n := numbers{b: foot}
	k.manner = mannerOf(n.next())
	k.Shapes = make([]keptShape, n.count())
	for i := range k.Shapes {
		s := &k.Shapes[i]
		v := n.next()
		s.size, s.opaque = v>>1, v&1 != 0
		s.Line = n.bytes(min(s.size, logline.WindowBytes))
	}
	k.Blocks = make([]keptBlock, n.count())
	for i := range k.Blocks {
		b := &k.Blocks[i]
		b.of, b.Off = k, n.next()
		b.End = b.Off + n.next()
		b.sum, b.At, b.size, b.own = uint32(n.next()), n.next(), n.next(), uint32(n.next())
	}
	return !n.bad && len(n.b) == 0
}

// Fits tells whether the blocks lie one behind the other within the text, and
// their bytes within the file. A text that was touched keeps no block that ended
// where the text did: its last line may have gone on.
func (k *Kept) Fits(foot, size int64) bool {
	if n := len(k.Blocks); n > 0 && !k.Same {
		k.Blocks = k.Blocks[:n-1]
	}
	for i, b := range k.Blocks {
		if b.End > size || b.End <= b.Off || b.At+b.size > foot || b.size > 1<<30 ||
			i > 0 && b.Off != k.Blocks[i-1].End {
			return false
		}
	}
	return len(k.Blocks) > 0
}

// isOf tells whether the first and the last block are of the text, as far as it
// was touched since.
func (k *Kept) isOf(text io.ReaderAt) bool {
	if k.Same {
		return true
	}
	buf := make([]byte, logline.WindowBytes)
	for _, b := range []keptBlock{k.Blocks[0], k.Blocks[len(k.Blocks)-1]} {
		if sum, err := textSum(text, b.Off, b.End, buf); err != nil || sum != b.sum {
			return false
		}
	}
	return true
}

// Load reads the block, when its text is what it was.
func (b *keptBlock) Load(by *Builder, text io.ReaderAt) (*Block, bool) {
	if !b.of.Same {
		sum, err := textSum(text, b.Off, b.End, by.buf)
		if err != nil || sum != b.sum {
			return nil, false
		}
	}
	data := make([]byte, b.size)
	if logline.ReadFull(b.of.File, data, b.At) != nil || crc32.Checksum(data, castagnoli) != b.own {
		return nil, false
	}
	return b.Decode(by, data)
}

func textSum(r io.ReaderAt, off, end int64, buf []byte) (sum uint32, err error) {
	for off < end {
		n := min(int64(len(buf)), end-off)
		if err := logline.ReadFull(r, buf[:n], off); err != nil {
			return 0, err
		}
		sum = crc32.Update(sum, castagnoli, buf[:n])
		off += n
	}
	return sum, nil
}

// shape returns the number of a kept shape in the table, by understanding the line
// that it was found in.
func (k *Kept) shape(i int64, by *Builder) (uint32, bool) {
	if i < 0 || i >= int64(len(k.Shapes)) {
		return 0, false
	}
	s := &k.Shapes[i]
	if id := s.id.Load(); id != 0 {
		return uint32(id - 1), true
	}
	id := uint32(0)
	if line := logline.TrimCR(s.Line); s.opaque && bytes.IndexByte(line, '\n') >= 0 {
		e, _, _, ok := by.parser.Record(string(line))
		if ok {
			id = by.Table.Record(e.Level)
		} else if level, ok := by.levelBelow(line); ok {
			id = by.Table.Below(level)
		} else {
			return 0, false
		}
	} else if s.opaque {
		id = by.Table.Opaque(logline.VisibleIn(line, &by.vis), by.parser)
	} else {
		id, _, _, _ = by.shapeOf(line, s.size)
	}
	s.id.Store(int64(id) + 1)
	return id, true
}

// Close closes the file.
func (k *Kept) Close() {
	if k != nil {
		k.File.Close()
	}
}

// unsetMS stands for a time that is not known.
const unsetMS = -1 << 61

func keptMS(ms int64) int64 {
	if ms == logline.Unset {
		return unsetMS
	}
	return ms
}

func freshMS(ms int64) int64 {
	if ms == unsetMS {
		return logline.Unset
	}
	return ms
}

// encode appends the block's bytes; local numbers its shapes.
func (b *Block) encode(out []byte, local func(line int) uint64) []byte {
	u := func(v int64) { out = binary.AppendUvarint(out, uint64(v)) }
	u(int64(b.Starts.Len()))
	flags := int64(0)
	if b.Partial {
		flags |= 1
	}
	if b.Back {
		flags |= 2
	}
	flags |= one(b.last.critical)<<2 | one(b.last.slow)<<3
	flow := b.flow
	if b.before != nil { // the last line is read again
		flow = b.before.flow
	}
	flags |= int64(flow.Bits()) << 4
	u(flags)
	u(b.Sum.Events)
	u(b.Sum.Critical)
	u(b.Sum.Slow)
	for _, n := range b.Sum.ByLevel {
		u(n)
	}
	out = binary.AppendVarint(out, keptMS(b.Sum.FirstMS))
	out = binary.AppendVarint(out, keptMS(b.Sum.LastMS))
	last := uint32(0)
	lastMS := int64(0)
	for i := range b.Starts.Len() {
		at := b.Starts.At(i)
		u(int64(at - last))
		u(int64(local(i)))
		ms := keptMS(b.Times.At(i))
		out = binary.AppendVarint(out, ms-lastMS)
		last, lastMS = at, ms
	}
	u(int64(len(b.Heads)))
	for _, w := range b.Heads {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	return out
}

// Decode reads a block as encode wrote it.
func (b *keptBlock) Decode(by *Builder, data []byte) (*Block, bool) {
	n := numbers{b: data}
	lines := n.count()
	blk := &Block{
		Off:    b.Off,
		End:    b.End,
		Starts: makeStarts(lines),
		Shapes: makeIDs(lines),
		Times:  makeTimes(lines),
	}
	flags := n.next()
	blk.Partial = flags&1 != 0
	blk.Back = flags&2 != 0
	blk.last = marked{flags&4 != 0, flags&8 != 0}
	blk.flow = logline.FlowOf(uint8(flags >> 4))
	s := &blk.Sum
	s.Lines, s.Events, s.Critical, s.Slow = int64(lines), n.next(), n.next(), n.next()
	for l := range s.ByLevel {
		s.ByLevel[l] = n.next()
	}
	s.FirstMS, s.LastMS = freshMS(n.signed()), freshMS(n.signed())
	at := int64(0)
	ms := int64(0)
	for i := range lines {
		step := n.next()
		at += step
		id, ok := b.of.shape(n.next(), by)
		if !ok || at >= b.End-b.Off || n.bad || i > 0 && step == 0 {
			return nil, false
		}
		ms += n.signed()
		blk.Starts.add(uint32(at))
		blk.Shapes.add(id)
		blk.Times.add(freshMS(ms))
	}
	words := n.next()
	if n.bad || words*8 != int64(len(n.b)) {
		return nil, false
	}
	blk.Heads = make(Bitmap, words)
	for i := range blk.Heads {
		blk.Heads[i] = binary.LittleEndian.Uint64(n.b[i*8:])
	}
	return blk, blk.Heads.Next(lines) < 0
}
