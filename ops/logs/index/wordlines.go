package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"

	logline "opsdeck/ops/logs/line"
)

// wordLine is a line of a region that may be a hit.
type wordLine struct {
	off, end int64
	number   int64 // in the region, from 0
}

// pieceBytes is a piece of text that is still in the processor's cache when it is looked at again.
const pieceBytes = 128 << 10

// pieceEnd is where a piece of whole lines ends that begins at i.
func pieceEnd(text []byte, i int) int {
	if len(text)-i <= pieceBytes {
		return len(text)
	}
	return min(logline.After(text, '\n', i+pieceBytes)+1, len(text))
}

// wordLines goes through the lines of a region's text that the query's words fit, and counts all
// lines. Without numbers nothing is counted. foreign is that the text holds foreign bytes.
func (t *sparse) wordLines(ctx context.Context, unnumbered bool) (foreign bool, err error) {
	text := t.text.held
	total := &t.found.lines
	done := 0   // up to where lines are counted
	looked := 0 // up to where entries were looked for
	lines := 0
	for i, end := 0, 0; i < len(text); i = end {
		end = pieceEnd(text, i)
		if t.foreign.inPiece(text[:end], i) {
			return true, nil
		}
		for i < end {
			from, to := t.nextWordLine(text[:end], i)
			if from < 0 {
				break
			}
			if looked = max(looked, from-entryBack); logline.HoldsEntry(text[looked:to]) {
				return false, errWhole // its values may hold any text
			}
			looked = to
			if !unnumbered {
				*total += int64(bytes.Count(text[done:from], []byte{'\n'}))
				done = from
			}
			if lines++; lines > sparseLines {
				return false, errWhole
			}
			if err := t.wordLine(ctx, wordLine{t.off + int64(from), t.off + int64(to), *total}); err != nil {
				return false, err
			}
			i = to + 1
		}
	}
	if !unnumbered {
		*total += int64(bytes.Count(text[done:], []byte{'\n'}))
		if n := len(text); n > 0 && text[n-1] != '\n' {
			*total++
		}
	}
	return false, t.finish(ctx)
}

// entryBack is how far before a line an entry of journalctl -o export may begin that matters: one
// with the line, or with the line before it from which it is understood.
const entryBack = sparseBack + logline.RecordBytes

// nextWordLine is the first line of a text from the one on that begins at i whose words
// are those of the query; from is negative where there is none. In a coloured line a word
// may have a colour within.
func (k *kit) nextWordLine(text []byte, i int) (from, to int) {
	q := k.match.Query
	only := q.OneExact()
	find := &k.find[0]
	for i < len(text) {
		at, coloured := find.Next(text, i)
		if at < 0 {
			return -1, 0
		}
		from = lineFrom(text, i, at)
		to = logline.After(text, '\n', at)
		if only && !coloured && to >= at+len(find.Word) || q.MatchBytes(logline.TrimCR(text[from:to]), &k.match.vis) {
			return from, to
		}
		i = to + 1
	}
	return -1, 0
}

// lineFrom is where the line begins that has a place; a line begins at i, before it.
func lineFrom(text []byte, i, at int) int {
	const (
		breaks = 0x0a0a0a0a0a0a0a0a
		lows   = 0x7f7f7f7f7f7f7f7f
	)
	for ; at-8 >= i; at -= 8 {
		x := binary.LittleEndian.Uint64(text[at-8:]) ^ breaks
		if zero := ^(x&lows + lows | x | lows); zero != 0 { // the high bit of each byte that is a line break
			return at - bits.LeadingZeros64(zero)/8
		}
	}
	return i + bytes.LastIndexByte(text[i:at], '\n') + 1
}
