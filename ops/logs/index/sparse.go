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
	sparseLook  = 1 << 10  // how far before it the line is looked for at first from which to begin
	sparseBack  = 16 << 10 // and how far at most
	sparseNear  = 512      // text between two such lines that is not left out
	sparseLines = BlockBytes >> 10
)

var errWhole = errors.New("index the whole region")

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
	if k.foreign.in(text.held) {
		return found{foreign: true}, true
	}
	lines, total, err := k.wordLines(text.held, off, s.Unnumbered || countOnly)
	if err != nil {
		return found{err: err}, err != errWhole
	}
	f.lines = total
	if len(lines) == 0 {
		return f, true
	}
	t := &sparse{kit: k, part: p, text: text, off: off, end: end, countOnly: countOnly, found: &f}
	if !countOnly {
		f.room = s.takeRoom()
		f.hits = slices.Grow(f.room.hits, len(lines))
	}
	if err := t.through(ctx, lines); err != nil {
		return found{err: err}, err != errWhole
	}
	if s.Texts {
		text.give(f.hits, f.room)
	}
	return f, true
}

// wordLines are the lines of a region's text, which begins at off, that the query's words
// fit, and how many lines there are in all. Without numbers nothing is counted.
func (k *kit) wordLines(text []byte, off int64, unnumbered bool) (lines []wordLine, total int64, err error) {
	lines = k.lines[:0]
	defer func() { k.lines = lines }()
	done := 0 // up to where lines are counted
	for i := 0; i < len(text); {
		from, to := k.nextWordLine(text, i)
		if from < 0 {
			break
		}
		if !unnumbered {
			total += int64(bytes.Count(text[done:from], []byte{'\n'}))
			done = from
		}
		if lines = append(lines, wordLine{off + int64(from), off + int64(to), total}); len(lines) > sparseLines {
			return nil, 0, errWhole
		}
		i = to + 1
	}
	if n := len(lines); n > 0 && logline.HoldsEntry(text[:lines[n-1].end-off]) {
		return nil, 0, errWhole // its values may hold any text
	}
	if !unnumbered {
		total += int64(bytes.Count(text[done:], []byte{'\n'}))
		if n := len(text); n > 0 && text[n-1] != '\n' {
			total++
		}
	}
	return lines, total, nil
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

// give copies to each event's first hit the event's text, which it puts into a room.
func (t *regionText) give(hits []Hit, into *room) {
	size := int64(0)
	for i := range hits {
		if h := &hits[i]; i == 0 || h.Head != hits[i-1].Head {
			size += h.Last - h.Head
		}
	}
	texts := slices.Grow(into.texts, int(size))
	into.texts = texts
	for i := range hits {
		if h := &hits[i]; i == 0 || h.Head != hits[i-1].Head {
			from := len(texts)
			texts = append(texts, t.held[h.Head-t.off:h.Last-t.off]...)
			h.event = texts[from:]
		}
	}
}

// room is memory for the hits of a region and their texts, both empty.
type room struct {
	hits  []Hit
	texts []byte
}

// takeRoom takes the room of hits that are done with, or new room.
func (s *Scan) takeRoom() *room {
	select {
	case r := <-s.rooms:
		return r
	default:
		return &room{}
	}
}

// done gives back the room of hits that nobody uses any more.
func (s *Scan) done(f *found) {
	if f.room == nil || !s.Texts {
		return
	}
	f.room.hits = f.hits[:0]
	select {
	case s.rooms <- f.room:
	default:
	}
	f.room = nil
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
		from = i + bytes.LastIndexByte(text[i:at], '\n') + 1
		to = logline.After(text, '\n', at)
		if only && !coloured && to >= at+len(find.Word) || q.MatchBytes(logline.TrimCR(text[from:to]), &k.match.vis) {
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
			if h, ok := t.single(l); ok {
				if err := t.finish(ctx); err != nil {
					return err
				}
				t.words, t.next = t.words[1:], 0
				t.add(&h)
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

// single is the hit of a line that is an event by itself, as most are: it begins one whatever
// stands before it, and the line after it another. ok is false where that is not so, or more is
// asked of the event than the words.
func (t *sparse) single(l wordLine) (h Hit, ok bool) {
	if t.match.Query.HasTests() {
		return h, false
	}
	line := t.known
	if line.at != l.off || !line.ready {
		line = t.readAt(l.off, l.end)
	}
	t.known.ready = false
	if line.ms == logline.Unset || line.opens || line.shape.Below || !line.shape.Resets() {
		return h, false
	}
	if next := l.end + 1; next < t.end {
		if t.known = t.readAt(next, t.lineEnd(next)); !t.known.shape.Resets() {
			return h, false
		}
	}
	return Hit{
		Source: t.part.name, Off: l.off, End: l.end, Last: l.end, Head: l.off, Line: l.number + 1,
		ms: line.ms, level: line.shape.Level, text: t.part,
	}, true
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
	at    int64
	shape *logline.Shape
	ms    int64
	opens bool // it may be the first of a record, or be inside one
	ready bool
}

func (t *sparse) readAt(off, end int64) knownLine {
	if end-off > logline.WindowBytes {
		return knownLine{shape: noHead}
	}
	t.build.parser.At = off
	line := logline.TrimCR(t.text.held[off-t.off : end-t.off])
	l := t.build.headOf(line, int64(len(line)))
	indented := len(l.text) > 0 && (l.text[0] == ' ' || l.text[0] == '\t')
	return knownLine{off, l.shape, l.ms, indented || logline.OpensRecord(l.text), true}
}

// noHead is the shape of a line that is too long to be looked at.
var noHead = &logline.Shape{Kind: logline.KindPlain}

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
			t.take(blk, i)
		}
		return ctx.Err()
	}
	hits, err := t.match.Find(ctx, blk, t.text, 0, nil)
	if err != nil {
		return err
	}
	for i := hits.Next(0); i >= 0; i = hits.Next(i + 1) {
		t.take(blk, i)
	}
	return nil
}

// take notes a hit of the stretch.
func (t *sparse) take(blk *Block, i int) {
	h := t.hit(blk, t.part, i)
	h.Line += t.first
	t.add(&h)
}

func (t *sparse) add(h *Hit) {
	if t.found.count++; !t.countOnly {
		t.found.hits = append(t.found.hits, *h)
	}
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
