package logs

import (
	"errors"
	"io"
)

// region is a stretch of text that makes one block: from the first fitting line
// at or after off, or, where fixed, from off itself, to where the next one
// begins.
type region struct {
	off   int64
	fixed bool
	limit int64 // no block reaches beyond, unless 0
	kept  *keptBlock
}

// regionsOf cuts a text into regions: those whose blocks were kept, and the text
// before and behind them evenly.
func regionsOf(size int64, k *Kept) (out []region) {
	from := int64(0)
	if k != nil && len(k.blocks) > 0 {
		first := k.blocks[0].off
		for off := int64(0); off < first; off += blockBytes {
			out = append(out, region{off: off, limit: first})
		}
		for i := range k.blocks {
			out = append(out, region{off: k.blocks[i].off, fixed: true, kept: &k.blocks[i]})
		}
		from = k.blocks[len(k.blocks)-1].end
	}
	for off := from; off < size; off += blockBytes {
		out = append(out, region{off: off, fixed: off == from && from > 0})
	}
	if n := len(out); n > 0 && size-out[n-1].off > 2*endBytes && out[n-1].kept == nil {
		out = append(out, region{off: size - endBytes})
	}
	return out
}

// endBytes is how much of a text's end is a region of its own: the first screen
// need not wait for more.
const endBytes = 256 << 10

// begin is where the region's block begins. Where a kept block does not fit the
// text any more, its place is taken for no more than a place to look from.
func (g *region) begin(r io.ReaderAt, size int64, start func(io.ReaderAt, int64, int64) (int64, error)) (int64, error) {
	if g.fixed && (g.kept == nil || g.kept.of.same || breakBefore(r, g.off)) {
		return g.off, nil
	}
	at, err := start(r, g.off, size)
	if g.limit > 0 {
		at = min(at, g.limit)
	}
	return at, err
}

func breakBefore(r io.ReaderAt, off int64) bool {
	var b [1]byte
	return off == 0 || readFull(r, b[:], off-1) == nil && b[0] == '\n'
}

// read makes the region's block, from what was kept when that is good; end is
// where the block ends.
func (b *builder) read(
	r io.ReaderAt,
	g region,
	off, end int64,
	build func(io.ReaderAt, int64, int64) (*Block, error),
) (*Block, error) {
	if g.kept != nil {
		if blk, ok := g.kept.load(b, r); ok {
			return blk, nil
		}
	}
	return build(r, off, end)
}

// region makes the block of a region that ends where the next begins: at nextAt
// when that is known.
func (b *builder) region(r Text, g region, next *region, nextAt, size int64) (*Block, error) {
	from, err := g.begin(r, size, b.start)
	to := nextAt
	if to < 0 && next != nil {
		var err2 error
		to, err2 = next.begin(r, size, b.start)
		err = errors.Join(err, err2)
	} else if to < 0 {
		var err2 error
		to, err2 = b.start(r, g.off+blockBytes, size)
		err = errors.Join(err, err2)
	}
	if err != nil {
		return nil, err
	}
	return b.read(r, g, min(from, to), to, b.build)
}
