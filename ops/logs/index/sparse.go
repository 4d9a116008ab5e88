package index

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"opsdeck/ops/logs"
	logline "opsdeck/ops/logs/line"
)

// A query with a word that each of its hits must hold needs no index of the text between
// them. The word is looked for first; then only the events with the lines that hold it
// are understood, from a line before them on from which nothing earlier matters.

// Limits of what is read for one line with the word.
const (
	sparseLook  = 1 << 10          // how far before it the line is looked for at first from which to begin
	sparseBack  = 16 << 10         // and how far at most
	sparseNear  = 512              // text between two such lines that is not left out
	sparseLines = BlockBytes >> 10 // most lines with the word in a region
)

var errWhole = errors.New("index the whole region")

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
	t := &sparse{kit: k, part: p, text: text, off: text.off, end: end, countOnly: countOnly, found: &f}
	t.passed, t.headless = -1, -1
	t.words = k.lines[:0]
	defer func() { k.lines = t.words }()
	if !countOnly {
		f.room = s.takeRoom()
		f.hits, t.passes = f.room.hits, s.passes
	}
	foreign, err := t.wordLines(ctx, s.Unnumbered || countOnly)
	switch {
	case foreign:
		return found{foreign: true}, true
	case err != nil:
		return found{err: err}, err != errWhole
	case t.passes:
		f.room.keep(f.texts)
	case s.Texts:
		text.give(f.hits, f.room)
	}
	return f, true
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

// sparse is a region that is read around its lines with the word.
type sparse struct {
	*kit
	part      *openPart
	text      *regionText
	off, end  int64 // of the region
	countOnly bool
	passes    bool  // the texts of events are wanted, and nothing else of the hits
	passed    int64 // where the event begins whose text was taken last
	found     *found

	block    *Block     // of the stretch that is read, nil between two
	first    int64      // the number of its first line in the region
	tail     int64      // where its last line begins, which may be the next event's head
	words    []wordLine // of the stretch
	read     seenLine   // the stretch's first line, where ready
	ready    bool
	headless int64     // where the line with the word begins that is known to begin no event, or -1
	known    knownLine // the line after the event that was taken last, where ready
}

// wordLine goes on to the next line with the word.
func (t *sparse) wordLine(ctx context.Context, l wordLine) error {
	if t.block != nil && l.off < t.tail {
		t.words = append(t.words, l)
		return nil
	}
	if t.block == nil || l.off-t.tail >= sparseNear {
		if line, ok := t.single(l); ok {
			if err := t.finish(ctx); err != nil {
				return err
			}
			return t.addSingle(l, line)
		}
		if err := t.begin(ctx, l); err != nil {
			return err
		}
	}
	t.words = append(t.words, l)
	return t.extend(l.off)
}

// single reads a line that is an event by itself, as most are: it begins one whatever
// stands before it, and the line after it another. ok is false where that is not so, or more is
// asked of the event than the words.
func (t *sparse) single(l wordLine) (line knownLine, ok bool) {
	if t.match.Query.HasTests() {
		return line, false
	}
	line = t.known
	if line.at != l.off || !line.ready {
		line = t.readAt(l.off, l.end)
	}
	t.known.ready = false
	if line.ms == logline.Unset || line.opens || !line.resets {
		if line.ready && !line.head {
			t.headless = l.off
		}
		return line, false
	}
	if next := l.end + 1; next < t.end {
		if t.known = t.readAt(next, t.lineEnd(next)); !t.known.resets {
			return line, false
		}
	}
	return line, true
}

// lineEnd is where the line at an offset ends.
func (t *sparse) lineEnd(off int64) int64 {
	if n := bytes.IndexByte(t.text.held[off-t.off:], '\n'); n >= 0 {
		return off + int64(n)
	}
	return t.end
}

// knownLine is what is known of a line that begins at an offset.
type knownLine struct {
	at     int64
	ms     int64
	level  logs.Level
	head   bool // it begins an event whatever stands before it
	resets bool // it decides alone that it begins an event and what may follow it
	opens  bool // it may be the first of a record, or be inside one, or not say what happened
	ready  bool
}

func (t *sparse) readAt(off, end int64) knownLine {
	if end-off > logline.WindowBytes {
		return knownLine{} // too long to be looked at
	}
	t.build.parser.At = off
	line := logline.TrimCR(t.text.held[off-t.off : end-t.off])
	if level, ms, ok := t.build.parser.NestHead(line); ok {
		return knownLine{off, ms, level, true, true, false, true}
	}
	l := t.build.headOf(line, int64(len(line)))
	indented := len(l.text) > 0 && (l.text[0] == ' ' || l.text[0] == '\t')
	opens := indented || l.shape.Below || logline.OpensRecord(l.text)
	return knownLine{off, l.ms, l.shape.Level, l.shape.Anchors(), l.shape.Resets(), opens, true}
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
	if t.ready = ok; !ok {
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
	start := int(l.off - from)
	for end := len(text); end >= 0; before++ {
		stop := end
		if before > 0 {
			start = lineFrom(text, 0, end)
		}
		if start == 0 && from > t.off && (t.block == nil || from > t.tail) {
			return 0, 0, false // a part of a line
		}
		if end = start - 1; before == 0 && t.headless == l.off {
			continue
		}
		line := logline.TrimCR(text[start:stop])
		t.build.parser.At = from + int64(start)
		t.read = t.build.headOf(line, int64(len(line)))
		seen, s := t.read.text, t.read.shape
		indented := len(seen) > 0 && (seen[0] == ' ' || seen[0] == '\t') // it may be inside a record
		if t.read.ms != logline.Unset && s.Anchors() && !indented && !logline.OpensRecord(seen) {
			return from + int64(start), before, true
		}
	}
	return 0, 0, false
}

// extend adds lines to the stretch up to the first one behind the line at an offset that
// begins an event.
func (t *sparse) extend(past int64) error {
	b, blk := t.build, t.block
	last := int64(logline.Unset)
	if n := blk.Times.Len(); n > 0 {
		last = blk.Times.At(n - 1)
	}
	for at := blk.End; at < t.end; at = blk.End {
		rest := t.text.held[at-t.off:]
		size := bytes.IndexByte(rest, '\n')
		if blk.Partial = size < 0; blk.Partial {
			size = len(rest)
		}
		if size > logline.WindowBytes {
			return errWhole
		}
		line := logline.TrimCR(rest[:size])
		if !t.ready {
			b.parser.At = at
			t.read = b.headOf(line, int64(size))
		}
		t.ready = false
		last = b.addSeen(blk, line, t.read, at, last, source{t.text, t.end})
		blk.End, t.tail = at+int64(size), at
		if !blk.Partial {
			blk.End++
		}
		if at > past && blk.Heads.Has(blk.Starts.Len()-1) {
			return nil
		}
	}
	t.tail = t.end
	return nil
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
	words := t.words
	t.words = t.words[:0]          // it is filled again after this
	if !t.match.Query.HasTests() { // each of these lines is a hit
		i := 0
		for _, l := range words {
			for blk.Off+int64(blk.Starts.At(i)) < l.off {
				i++
			}
			if err := t.take(blk, i); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	hits, err := t.match.Find(ctx, blk, t.text, 0, nil)
	if err != nil {
		return err
	}
	for i := hits.Next(0); i >= 0; i = hits.Next(i + 1) {
		if err := t.take(blk, i); err != nil {
			return err
		}
	}
	return nil
}

// take notes a hit of the stretch.
func (t *sparse) take(blk *Block, i int) error {
	h := t.hit(blk, t.part, i)
	h.Line += t.first
	return t.add(&h)
}

func (t *sparse) add(h *Hit) error {
	t.found.count++
	switch {
	case t.passes:
		return t.pass(h.Head, h.Last)
	case !t.countOnly:
		if hits := t.found.hits; len(hits) == cap(hits) {
			t.found.hits = slices.Grow(hits, max(16, len(hits)))
		}
		t.found.hits = append(t.found.hits, *h)
	}
	return nil
}

// addSingle is add for a line that is an event by itself.
func (t *sparse) addSingle(l wordLine, line knownLine) error {
	if t.passes {
		t.found.count++
		return t.pass(l.off, l.end)
	}
	return t.add(&Hit{
		Source: t.part.name, Off: l.off, End: l.end, Last: l.end, Head: l.off, Line: l.number + 1,
		ms: line.ms, level: line.level, text: t.part,
	})
}

// pass takes the text of an event, unless it was taken with the hit before.
func (t *sparse) pass(head, last int64) error {
	if last-head > maxRaw {
		return errWhole
	}
	if head != t.passed {
		t.passed = head
		if t.found.texts == nil {
			t.found.texts = t.found.room.take()
		}
		t.found.texts = appendText(t.found.texts, t.text.held[head-t.off:last-t.off])
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
