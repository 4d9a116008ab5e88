package logs

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// keepFrom is how much text that was not kept yet makes it worth it.
const keepFrom = 2 * blockBytes

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
