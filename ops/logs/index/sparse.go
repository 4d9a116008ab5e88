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
	t := &sparse{kit: k, part: p, text: text, off: text.off, end: end, countOnly: countOnly, found: &f, passed: -1}
	lines, total, foreign, ok := t.wordLines(s.Unnumbered || countOnly)
	if foreign || !ok {
		return found{foreign: foreign}, foreign
	}
	f.lines = total
	if len(lines) == 0 {
		return f, true
	}
	if !countOnly {
		f.room = s.takeRoom()
		if t.passes = s.passes; t.passes {
			f.texts = slices.Grow(f.room.texts, bytesOf(lines))
		} else {
			f.hits = slices.Grow(f.room.hits, len(lines))
		}
	}
	if err := t.through(ctx, lines); err != nil {
		return found{err: err}, err != errWhole
	}
	switch {
	case t.passes:
		f.room.texts = f.texts[:0]
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

	block *Block     // of the stretch that is read, nil between two
	first int64      // the number of its first line in the region
	tail  int64      // where its last line begins, which may be the next event's head
	words []wordLine // of the region, from the stretch on
	next  int        // of them, the first behind the stretch
	read  seenLine   // the stretch's first line, where ready
	ready bool
	known knownLine // the line after the event that was taken last, where ready
}

// through goes through the region by its lines with the word.
func (t *sparse) through(ctx context.Context, lines []wordLine) error {
	t.words = lines
	for i, l := range lines {
		t.next = i - (len(lines) - len(t.words))
		if t.block != nil && l.off < t.tail {
			continue
		}
		if t.block == nil || l.off-t.tail >= sparseNear {
			if l.alone {
				if err := t.finish(ctx); err != nil {
					return err
				}
				t.words, t.next = t.words[1:], 0
				if err := t.addAlone(l); err != nil {
					return err
				}
				continue
			}
			if err := t.begin(ctx, l); err != nil {
				return err
			}
		}
		if err := t.extend(l.off); err != nil {
			return err
		}
	}
	t.next = len(t.words)
	return t.finish(ctx)
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
		return knownLine{off, ms, level, true, false, true}
	}
	l := t.build.headOf(line, int64(len(line)))
	indented := len(l.text) > 0 && (l.text[0] == ' ' || l.text[0] == '\t')
	opens := indented || l.shape.Below || logline.OpensRecord(l.text)
	return knownLine{off, l.ms, l.shape.Level, l.shape.Resets(), opens, true}
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
		if before > 0 {
			start = bytes.LastIndexByte(text[:end], '\n') + 1
		}
		if start == 0 && from > t.off && (t.block == nil || from > t.tail) {
			return 0, 0, false // a part of a line
		}
		line := logline.TrimCR(text[start:end])
		t.build.parser.At = from + int64(start)
		t.read = t.build.headOf(line, int64(len(line)))
		seen, s := t.read.text, t.read.shape
		indented := len(seen) > 0 && (seen[0] == ' ' || seen[0] == '\t') // it may be inside a record
		if t.read.ms != logline.Unset && s.Anchors() && !indented && !logline.OpensRecord(seen) {
			return from + int64(start), before, true
		}
		end = start - 1
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
	words := t.words[:t.next]
	t.words, t.next = t.words[t.next:], 0
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
		t.found.hits = append(t.found.hits, *h)
	}
	return nil
}

// addAlone is add for a line that is an event by itself.
func (t *sparse) addAlone(l wordLine) error {
	if t.passes {
		t.found.count++
		return t.pass(l.off, l.end)
	}
	return t.add(&Hit{
		Source: t.part.name, Off: l.off, End: l.end, Last: l.end, Head: l.off, Line: l.number + 1,
		ms: l.ms, level: l.level, text: t.part,
	})
}

// pass takes the text of an event, unless it was taken with the hit before.
func (t *sparse) pass(head, last int64) error {
	if last-head > maxRaw {
		return errWhole
	}
	if head != t.passed {
		t.passed = head
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
