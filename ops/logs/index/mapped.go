package index

import (
	"runtime/debug"

	"opsdeck/ops/logs"
)

// mapped counts the lines with a word in a region that can be mapped, which spares the copy
// that a read makes. ok is false where it cannot be, or is not any more: a file that is
// truncated under its map faults where it was.
func (k *kit) mapped(p *openPart, off, end int64) (n int64, foreign, ok bool) {
	m, can := p.text.(logs.Mapped)
	if !can || !k.match.Query.OneExact() || end-off > 2*BlockBytes {
		return 0, false, false
	}
	text, unmap, ok := m.Map(off, end)
	if !ok {
		return 0, false, false
	}
	defer unmap()
	whole := noFault(func() {
		for i, end := 0, 0; i < len(text); i = end {
			end = pieceEnd(text, i)
			n += k.countIn(text[i:end])
			foreign = foreign || k.foreign.inPiece(text[:end], i)
		}
	})
	return n, foreign, whole
}

// noFault looks at mapped text; it returns false where the file has become shorter meanwhile.
func noFault(look func()) (whole bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		if _, fault := r.(interface{ Addr() uintptr }); !fault {
			panic(r)
		}
		whole = false
	}()
	look()
	return true
}
