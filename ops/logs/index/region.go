package index

import (
	"errors"
	"io"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// Region is a stretch of text that makes one block: from the first fitting line
// at or after off, or, where fixed, from off itself, to where the next one
// begins.
type Region struct {
	Off   int64
	fixed bool
	limit int64 // no block reaches beyond, unless 0
	kept  *keptBlock
}

// RegionsOf cuts a text into regions: those whose blocks were kept, and the text
// before and behind them evenly.
func RegionsOf(size int64, k *Kept) (out []Region) {
	from := int64(0)
	if k != nil && len(k.Blocks) > 0 {
		first := k.Blocks[0].Off
		for off := int64(0); off < first; off += BlockBytes {
			out = append(out, Region{Off: off, limit: first})
		}
		for i := range k.Blocks {
			out = append(out, Region{Off: k.Blocks[i].Off, fixed: true, kept: &k.Blocks[i]})
		}
		from = k.Blocks[len(k.Blocks)-1].End
	}
	for off := from; off < size; off += BlockBytes {
		out = append(out, Region{Off: off, fixed: off == from && from > 0})
	}
	if n := len(out); n > 0 && size-out[n-1].Off > 2*endBytes && out[n-1].kept == nil {
		out = append(out, Region{Off: size - endBytes})
	}
	return out
}

// endBytes is how much of a text's end is a region of its own: the first screen
// need not wait for more.
const endBytes = 256 << 10

// begin is where the region's block begins. Where a kept block does not fit the
// text any more, its place is taken for no more than a place to look from.
func (g *Region) begin(r io.ReaderAt, size int64, start func(io.ReaderAt, int64, int64) (int64, error)) (int64, error) {
	if g.fixed && (g.kept == nil || g.kept.of.Same || breakBefore(r, g.Off)) {
		return g.Off, nil
	}
	at, err := start(r, g.Off, size)
	if g.limit > 0 {
		at = min(at, g.limit)
	}
	return at, err
}

func breakBefore(r io.ReaderAt, off int64) bool {
	var b [1]byte
	return off == 0 || line.ReadFull(r, b[:], off-1) == nil && b[0] == '\n'
}

// read makes the region's block, from what was kept when that is good; end is
// where the block ends.
func (b *Builder) read(
	r io.ReaderAt,
	g Region,
	off, end int64,
	build func(io.ReaderAt, int64, int64) (*Block, error),
) (*Block, error) {
	if g.kept != nil {
		if blk, ok := g.kept.Load(b, r); ok {
			return blk, nil
		}
	}
	return build(r, off, end)
}

// Region makes the block of a region that ends where the next begins: at nextAt
// when that is known.
func (b *Builder) Region(r logs.Text, g Region, next *Region, nextAt, size int64) (*Block, error) {
	from, err := g.begin(r, size, b.start)
	to := nextAt
	if to < 0 && next != nil {
		var err2 error
		to, err2 = next.begin(r, size, b.start)
		err = errors.Join(err, err2)
	} else if to < 0 {
		var err2 error
		to, err2 = b.start(r, g.Off+BlockBytes, size)
		err = errors.Join(err, err2)
	}
	if err != nil {
		return nil, err
	}
	blk, err := b.read(r, g, min(from, to), to, b.Build)
	if err == nil {
		blk.climb()
	}
	return blk, err
}
