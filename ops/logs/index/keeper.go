package index

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// KeepFrom is how much text that was not kept yet makes it worth it.
const KeepFrom = 2 * BlockBytes

// ErrClosed ends the keeping of an index when the store is closed meanwhile.
var ErrClosed = errors.New("the store is closed")

// Keeper writes an index down.
type Keeper struct {
	w      io.Writer
	at     int64
	Text   io.ReaderAt
	Table  *logline.Shapes
	Blocks []*Block
	local  map[uint32]uint64
	foot   []byte // of the shapes
	dir    []byte // of the blocks
	buf    []byte
	Stop   func() bool
}

// Write writes the blocks and the footer.
func (k *Keeper) Write(w io.Writer, m Manner) error {
	k.w = w
	k.local = map[uint32]uint64{}
	k.buf = make([]byte, logline.WindowBytes)
	for _, b := range k.Blocks {
		if k.Stop() {
			return ErrClosed
		}
		if err := k.block(b); err != nil {
			return err
		}
	}
	foot := []byte{m.byte()}
	foot = append(binary.AppendUvarint(foot, uint64(len(k.local))), k.foot...)
	foot = append(binary.AppendUvarint(foot, uint64(len(k.Blocks))), k.dir...)
	tail := binary.LittleEndian.AppendUint64(nil, uint64(k.at))
	tail = binary.LittleEndian.AppendUint32(tail, crc32.Checksum(foot, castagnoli))
	_, err := w.Write(append(append(foot, tail...), keptMagic...))
	return err
}

func (k *Keeper) block(b *Block) error {
	sum, err := textSum(k.Text, b.Off, b.End, k.buf)
	if err != nil {
		return err
	}
	data := b.encode(nil, func(line int) uint64 {
		id, ok := k.local[b.Shapes.At(line)]
		if !ok {
			id = uint64(len(k.local))
			if e := k.shape(b, line); e != nil {
				err = e
			}
			k.local[b.Shapes.At(line)] = id
		}
		return id
	})
	if err != nil {
		return err
	}
	for _, v := range []uint64{uint64(b.Off), uint64(b.End - b.Off), uint64(sum), uint64(k.at), uint64(len(data)),
		uint64(crc32.Checksum(data, castagnoli))} {
		k.dir = binary.AppendUvarint(k.dir, v)
	}
	k.at += int64(len(data))
	_, err = k.w.Write(data)
	return err
}

// shape notes a line that has the shape.
func (k *Keeper) shape(b *Block, line int) error {
	off, end := b.LineAt(line)
	if k.Table.At(b.Shapes.At(line)).Record {
		_, end = b.LineAt(b.EventEnd(line) - 1)
	}
	buf := k.buf[:min(end-off, logline.WindowBytes)]
	if err := logline.ReadFull(k.Text, buf, off); err != nil {
		return err
	}
	size := uint64(end-off) << 1
	if k.Table.At(b.Shapes.At(line)).Opaque {
		size |= 1
	}
	k.foot = append(binary.AppendUvarint(k.foot, size), buf...)
	return nil
}

// TakeKept takes a text's index from the shelf, nil when there is none, and tells
// the text's manner: without a look when nothing has touched it.
func TakeKept(shelf Shelf, b *Builder, text logs.Text, size int64, of Manner) (*Kept, Manner) {
	if shelf == nil || size < KeepFrom {
		return nil, LooksLike(b, text, size, of)
	}
	file, same := shelf.Take(text)
	if file == nil {
		return nil, LooksLike(b, text, size, of)
	}
	k := OpenKept(file, same, size)
	if k != nil && same && (k.manner.Sure || !of.Sure || k.manner.DayFirst == of.DayFirst) {
		k.manner.Style = of.Style // the shelf is another where styles are
		return k, k.manner
	}
	m := LooksLike(b, text, size, of)
	if k != nil {
		k.manner.Style = of.Style
	}
	if k == nil || !k.manner.Like(m) || !k.isOf(text) {
		file.Close()
		return nil, m
	}
	return k, m
}
