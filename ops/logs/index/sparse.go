package index

import (
	"bytes"
	"context"
	"errors"
	"io"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// A query with a word that each of its hits must hold needs no index of the text between
// them. The word is looked for first; then only the events with the lines that hold it
// are understood, from a line before them on from which nothing earlier matters.

// Limits of what is read for one line with the word.
const (
	sparseLook  = 1 << 10  // how far before it the line is looked for at first from which to begin
	sparseBack  = 16 << 10 // and how far at most
	sparseRead  = 2 << 10  // how much is read at a time from there on
	sparseNear  = 512      // text between two such lines that is not left out
	sparseLines = BlockBytes >> 10
)

var (
	errWhole = errors.New("index the whole region")
	errLong  = errors.New("a line longer than what is read at a time")
)

// wordLine is a line of a region that may be a hit.
type wordLine struct {
	off, end int64
	number   int64 // in the region, from 0
}

// sparse looks through a region by the word that every hit holds. ok is false where
// only an index of the whole region gives the same answer.
func (k *kit) sparse(ctx context.Context, s *Scan, p *openPart, off, end int64, countOnly bool) (f found, ok bool) {
	if text, unmap := k.mapRegion(p.text, off, end); text != nil {
		defer unmap()
		if whole := noFault(func() { f, ok = k.sparseIn(ctx, s, p, text, end, countOnly) }); whole {
			return f, ok
		}
	}
	text, err := k.hold(p.text, off, end)
	if err != nil {
		return found{err: err}, err != errWhole
	}
	return k.sparseIn(ctx, s, p, text, end, countOnly)
}

// mapRegion maps a region, which spares the copy that a read makes; nil where it cannot.
func (k *kit) mapRegion(r io.ReaderAt, off, end int64) (text *regionText, unmap func()) {
	m, ok := r.(logs.Mapped)
	if !ok || end-off > 2*BlockBytes {
		return nil, nil
	}
	held, unmap, ok := m.Map(off, end)
	if !ok {
		return nil, nil
	}
	return &regionText{r, held, off}, unmap
}

// sparseIn is sparse in a region's text.
func (k *kit) sparseIn(
	ctx context.Context, s *Scan, p *openPart, text *regionText, end int64, countOnly bool,
) (f found, ok bool) {
	off := text.off
	lines, total, err := k.wordLines(text.held, off, s.Unnumbered || countOnly)
	if err != nil {
		return found{err: err}, err != errWhole
	}
	f.lines = total
	if len(lines) == 0 {
		return f, true
	}
	t := &sparse{kit: k, part: p, text: text, off: off, end: end, countOnly: countOnly, found: &f}
	if err := t.through(ctx, lines); err != nil {
		return found{err: err}, err != errWhole
	}
	return f, true
}

// wordLines are the lines of a region's text, which begins at off, that the query's words
// fit, and how many lines there are in all. Without numbers nothing is counted.
func (k *kit) wordLines(text []byte, off int64, unnumbered bool) (lines []wordLine, total int64, err error) {
	done := 0 // up to where lines are counted
	piece, coloured := 0, false
	checked := 0 // up to where no entry is
	for i := 0; i < len(text); {
		if i >= piece {
			piece = wholePiece(text, i)
			coloured = bytes.IndexByte(text[i:piece], 0x1b) >= 0
		}
		from, to := k.nextWordLine(text[:piece], i, coloured)
		if from < 0 {
			i = piece
			continue
		}
		if checked < piece && logline.HoldsEntry(text[checked:piece]) {
			return nil, 0, errWhole // its values may hold any text
		}
		checked = piece
		if !unnumbered {
			total += int64(bytes.Count(text[done:from], []byte{'\n'}))
			done = from
		}
		if lines = append(lines, wordLine{off + int64(from), off + int64(to), total}); len(lines) > sparseLines {
			return nil, 0, errWhole
		}
		i = to + 1
	}
	if !unnumbered {
		total += int64(bytes.Count(text[done:], []byte{'\n'}))
		if n := len(text); n > 0 && text[n-1] != '\n' {
			total++
		}
	}
	return lines, total, nil
}

// wholePiece is the end of the lines that are looked through together from i on.
func wholePiece(text []byte, i int) int {
	end := i + mappedPiece
	if end >= len(text) {
		return len(text)
	}
	return min(logline.After(text, '\n', end)+1, len(text))
}

// regionText is a text of which one region is held.
type regionText struct {
	io.ReaderAt
	held []byte
	off  int64
}

func (t *regionText) ReadAt(p []byte, off int64) (int, error) {
	if at := off - t.off; at >= 0 && at+int64(len(p)) <= int64(len(t.held)) {
		return copy(p, t.held[at:]), nil
	}
	return t.ReaderAt.ReadAt(p, off)
}

// hold reads a region whole.
func (k *kit) hold(r io.ReaderAt, off, end int64) (*regionText, error) {
	size := end - off
	if size > 2*BlockBytes {
		return nil, errWhole
	}
	if int64(len(k.words)) < size {
		k.words = make([]byte, max(size, BlockBytes+headSearch))
	}
	t := &regionText{r, k.words[:size], off}
	return t, logline.ReadFull(r, t.held, off)
}

// nextWordLine is the first line of a text from the one on that begins at i whose words
// are those of the query; from is negative where there is none. In coloured text a word
// may have a colour within.
func (k *kit) nextWordLine(text []byte, i int, coloured bool) (from, to int) {
	q := k.match.Query
	for i < len(text) {
		from, to = i, i
		if !coloured {
			if to = k.find[0].Next(text, i); to < 0 {
				return -1, 0
			}
			from = bytes.LastIndexByte(text[:to], '\n') + 1
		}
		to = logline.After(text, '\n', to)
		if q.MatchBytes(logline.TrimCR(text[from:to]), &k.match.vis) {
			return from, to
		}
		i = to + 1
	}
	return -1, 0
}

// sparse is a region that is read around its lines with the word.
type sparse struct {
	*kit
	part      *openPart
	text      *regionText
	off, end  int64 // of the region
	countOnly bool
	found     *found

	block *Block // of the stretch that is read, nil between two
	first int64  // the number of its first line in the region
	tail  int64  // where its last line begins, which may be the next event's head
}

// through goes through the region by its lines with the word.
func (t *sparse) through(ctx context.Context, lines []wordLine) error {
	for _, l := range lines {
		if t.block != nil && l.off < t.tail {
			continue
		}
		if t.block == nil || l.off-t.tail >= sparseNear {
			if err := t.begin(ctx, l); err != nil {
				return err
			}
		}
		if err := t.extend(l.off); err != nil {
			return err
		}
	}
	return t.finish(ctx)
}

// begin starts a stretch before a line with the word; where there is no line to begin
// with, the stretch before goes on.
func (t *sparse) begin(ctx context.Context, l wordLine) error {
	from := t.off
	if t.block != nil {
		from = t.tail
	}
	at, before, ok := t.anchor(max(from, l.off-sparseLook), l)
	if !ok && l.off-from > sparseLook {
		at, before, ok = t.anchor(max(from, l.off-sparseBack), l)
	}
	if !ok && t.block != nil {
		return nil
	}
	if !ok && l.off-t.off > sparseBack {
		return errWhole
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	t.first = l.number - before
	if !ok {
		at, t.first = t.off, 0
	}
	t.block = t.build.fresh(at)
	t.build.until = -1
	return nil
}

// anchor looks back from a line for one that says its time and needs nothing of the lines
// before it. before is how many lines lie between them.
func (t *sparse) anchor(from int64, l wordLine) (at, before int64, ok bool) {
	text := t.text.held[from-t.off : l.end-t.off]
	for end := len(text); end >= 0; before++ {
		start := bytes.LastIndexByte(text[:end], '\n') + 1
		if start == 0 && from > t.off && (t.block == nil || from > t.tail) {
			return 0, 0, false // a part of a line
		}
		line := logline.TrimCR(text[start:end])
		t.build.parser.At = from + int64(start)
		_, s, seen, _, ms := t.build.headOf(line, int64(len(line)))
		indented := len(seen) > 0 && (seen[0] == ' ' || seen[0] == '\t') // it may be inside a record
		if ms != logline.Unset && s.Anchors() && !indented && !logline.OpensRecord(seen) {
			return from + int64(start), before, true
		}
		end = start - 1
	}
	return 0, 0, false
}

// extend adds lines to the stretch up to the first one behind the line at an offset that
// begins an event.
func (t *sparse) extend(past int64) error {
	err := t.extendBy(t.build.buf[:sparseRead], past)
	if err == errLong {
		err = t.extendBy(t.build.buf, past)
	}
	if err == errLong {
		err = errWhole
	}
	return err
}

// extendBy is extend with so much text read at a time.
func (t *sparse) extendBy(buf []byte, past int64) error {
	b, blk := t.build, t.block
	last := int64(logline.Unset)
	if n := blk.Times.Len(); n > 0 {
		last = blk.Times.At(n - 1)
	}
	err := logline.EachLine(t.text, blk.End, t.end, buf, func(line []byte, at, size int64, broken bool) error {
		if size > int64(len(line)) {
			return errLong
		}
		blk.Partial = !broken
		last = b.add(blk, logline.TrimCR(line), at, size, last, source{t.text, t.end})
		if blk.End, t.tail = at+size, at; broken {
			blk.End++
		}
		if at > past && blk.Heads.Has(blk.Starts.Len()-1) {
			return logline.ErrStop
		}
		return nil
	})
	if err == nil {
		t.tail = t.end
	} else if err == logline.ErrStop {
		err = nil
	}
	return err
}

// finish takes the hits of the stretch.
func (t *sparse) finish(ctx context.Context) error {
	blk := t.block
	if blk == nil {
		return nil
	}
	t.block = nil
	if blk.Off > t.off && !t.free(blk) {
		return errWhole
	}
	hits, err := t.match.Find(ctx, blk, t.text, 0, nil)
	if err != nil {
		return err
	}
	t.found.count += int64(hits.Count())
	if t.countOnly {
		return nil
	}
	for i := hits.Next(0); i >= 0; i = hits.Next(i + 1) {
		h := t.hit(blk, t.part, i)
		h.Line += t.first
		t.found.hits = append(t.found.hits, h)
	}
	return nil
}

// free tells whether which lines of a block begin an event depends on nothing before it.
func (t *sparse) free(blk *Block) bool {
	for i := range blk.Starts.Len() {
		s := t.build.Shape(blk.Shapes.At(i))
		if s.Resets() {
			return true
		}
		if s.Unsigned() {
			return false
		}
	}
	return true
}
