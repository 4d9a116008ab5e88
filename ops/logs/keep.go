package logs

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// When an index is kept.
const (
	keepFrom  = 2 * blockBytes  // of text not kept yet, when the store is closed
	keepAgain = 16 * blockBytes // while it is open
	keepMost  = 128 << 20       // bytes of one index: of more, the newest blocks
	perLine   = 6               // bytes of a kept line, about
)

// errClosed ends the keeping of an index when the store is closed meanwhile.
var errClosed = errors.New("the store is closed")

// keeper writes an index down.
type keeper struct {
	w      io.Writer
	at     int64
	text   io.ReaderAt
	table  *Shapes
	blocks []*Block
	local  map[uint32]uint64
	foot   []byte // of the shapes
	dir    []byte // of the blocks
	buf    []byte
	stop   func() bool
}

// write writes the blocks and the footer.
func (k *keeper) write(w io.Writer, m manner) error {
	k.w, k.local, k.buf = w, map[uint32]uint64{}, make([]byte, windowBytes)
	for _, b := range k.blocks {
		if k.stop() {
			return errClosed
		}
		if err := k.block(b); err != nil {
			return err
		}
	}
	foot := []byte{m.byte()}
	foot = append(binary.AppendUvarint(foot, uint64(len(k.local))), k.foot...)
	foot = append(binary.AppendUvarint(foot, uint64(len(k.blocks))), k.dir...)
	tail := binary.LittleEndian.AppendUint64(nil, uint64(k.at))
	tail = binary.LittleEndian.AppendUint32(tail, crc32.Checksum(foot, castagnoli))
	_, err := w.Write(append(append(foot, tail...), keptMagic...))
	return err
}

func (k *keeper) block(b *Block) error {
	sum, err := textSum(k.text, b.Off, b.End, k.buf)
	if err != nil {
		return err
	}
	data := b.encode(nil, func(line int) uint64 {
		id, ok := k.local[b.shapes[line]]
		if !ok {
			id = uint64(len(k.local))
			if e := k.shape(b, line); e != nil {
				err = e
			}
			k.local[b.shapes[line]] = id
		}
		return id
	})
	if err != nil {
		return err
	}
	for _, v := range []uint64{uint64(b.Off), uint64(b.End - b.Off), uint64(sum), uint64(k.at), uint64(len(data)), uint64(crc32.Checksum(data, castagnoli))} {
		k.dir = binary.AppendUvarint(k.dir, v)
	}
	k.at += int64(len(data))
	_, err = k.w.Write(data)
	return err
}

// shape notes a line that has the shape.
func (k *keeper) shape(b *Block, line int) error {
	off, end := b.lineAt(line)
	buf := k.buf[:min(end-off, windowBytes)]
	if err := readFull(k.text, buf, off); err != nil {
		return err
	}
	size := uint64(end-off) << 1
	if k.table.At(b.shapes[line]).opaque {
		size |= 1
	}
	k.foot = append(binary.AppendUvarint(k.foot, size), buf...)
	return nil
}

// Keep takes and puts indexes from and on a shelf. It is called before Add.
func (s *Store) Keep(shelf Shelf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shelf = shelf
}

// take opens the kept index, when the text's lines are still seen alike.
func (s *Store) take(b *builder, text Text, size int64, of manner) (*Kept, manner) {
	return takeKept(s.shelf, b, text, size, of)
}

// takeKept takes a text's index from the shelf, nil when there is none, and tells
// the text's manner: without a look when nothing has touched it.
func takeKept(shelf Shelf, b *builder, text Text, size int64, of manner) (*Kept, manner) {
	if shelf == nil || size < keepFrom {
		return nil, looksLike(b, text, size, of)
	}
	file, same := shelf.Take(text)
	if file == nil {
		return nil, looksLike(b, text, size, of)
	}
	k := openKept(file, same, size)
	if k != nil && same && (k.manner.sure || !of.sure || k.manner.dayFirst == of.dayFirst) {
		return k, k.manner
	}
	m := looksLike(b, text, size, of)
	if k == nil || !k.manner.like(m) || !k.isOf(text) {
		file.Close()
		return nil, m
	}
	return k, m
}

// nextKeep is the keeping of an index that is whole, once enough is new in it.
func (s *Store) nextKeep() task {
	if s.shelf == nil {
		return nil
	}
	for _, f := range s.feeds {
		for _, g := range f.segs {
			if g.worthKeeping(keepAgain) || g.worthKeeping(keepFrom) && g.saved == 0 {
				return func(*builder, *matcher, uint64) {
					g.keep(func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.closed })
				}
			}
		}
	}
	return nil
}

// worthKeeping tells whether the index is whole and so much text is new in it.
func (g *Segment) worthKeeping(fresh int64) bool {
	if !g.probed || g.err != nil || g.stuck || g.keeping || g.first > 0 || len(g.blocks) == 0 {
		return false
	}
	n := g.keepable()
	return n > 0 && g.blocks[n-1].blk.End-g.saved >= fresh
}

// keepable is how many blocks, from the first, will not change any more.
func (g *Segment) keepable() int {
	n := len(g.blocks)
	if g.live {
		n--
	}
	return n
}

// keep puts the index on the shelf. The lock is held, and given up meanwhile.
func (g *Segment) keep(stop func() bool) {
	s := g.store
	g.keeping = true
	var blocks []*Block
	room := int64(keepMost)
	for k := g.keepable() - 1; k >= 0 && room > 0; k-- {
		b := g.blocks[k].blk
		room -= int64(b.Lines()) * perLine
		if b.End > b.Off {
			blocks = append([]*Block{b}, blocks...)
		}
	}
	text, m := g.text, g.manner
	s.mu.Unlock()
	end := int64(0)
	var err error
	if len(blocks) > 0 {
		k := keeper{text: text, table: s.table, blocks: blocks, stop: stop}
		end = blocks[len(blocks)-1].End
		err = s.shelf.Put(text, func(w io.Writer) error { return k.write(w, m) })
	}
	s.mu.Lock()
	g.keeping = false
	switch {
	case err == nil:
		g.saved = end
	case !errors.Is(err, errClosed):
		g.saved = 1 << 62 // it cannot be kept: the next start reads the text anew
	}
}

// keepRest puts on the shelf what is worth it, at the end.
func (s *Store) keepRest() {
	if s.shelf == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		for _, g := range f.segs {
			if g.worthKeeping(keepFrom) {
				g.keep(func() bool { return false })
			}
		}
	}
}
