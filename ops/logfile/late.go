package logfile

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
)

// A followed text can turn out later not to be UTF-8: it is empty after a rotation, or
// began with lines in ASCII. Its lines are then converted from the first one on that
// shows it; what lies before is the same in both. Offsets in tracks are those of the file.

// lateText is a followed text as it is shown: without the hole at its beginning, and with
// its end converted if it must be.
type lateText struct {
	logs.Text
	end *lateEnd
}

// lateEnd is what is known of a text: its hole, its converted end, and how its lines end.
type lateEnd struct {
	hole    atomic.Int64 // the length of the hole
	known   atomic.Int64 // up to there the file was looked at; what lies behind is not shown yet
	from    atomic.Int64 // where it begins; -1 while nothing is converted
	spool   *spool       // nil until then
	returns atomic.Bool  // its lines end with \r
	users   atomic.Int32
}

// converted returns the converted end, or nil.
func (l *lateText) converted() (sp *spool, from int64) {
	if from = l.end.from.Load(); from < 0 {
		return nil, 0
	}
	return l.end.spool, from
}

// ReadAt reads the text as it is shown.
func (l *lateText) ReadAt(p []byte, off int64) (int, error) {
	sp, from := l.converted()
	off += l.end.hole.Load()
	if sp == nil && l.end.returns.Load() {
		return readReturns(l.Text, p, off)
	}
	if sp == nil {
		return l.Text.ReadAt(p, off)
	}
	n := 0
	if off < from {
		var err error
		if n, err = l.Text.ReadAt(p[:min(int64(len(p)), from-off)], off); err != nil || n == len(p) {
			return n, err
		}
	}
	more, err := sp.ReadAt(p[n:], off+int64(n)-from)
	return n + more, err
}

// Size is the length of the text as it is shown.
func (l *lateText) Size() int64 {
	hole := l.end.hole.Load()
	if sp, from := l.converted(); sp != nil {
		return from + sp.Size() - hole
	}
	return max(0, min(l.Text.Size(), l.end.known.Load())-hole)
}

// Ahead is the length of a followed text together with what came since it was last looked at, of
// which the end may be half a line.
func Ahead(text logs.Text) int64 {
	switch t := text.(type) {
	case *hidden:
		return max(0, Ahead(t.Text)-t.from.Load())
	case *lateText:
		if sp, _ := t.converted(); sp == nil {
			return max(0, t.Text.Size()-t.end.hole.Load())
		}
	}
	return text.Size()
}

// Written is when the text was last written to.
func (l *lateText) Written() time.Time { return logs.WrittenAt(l.Text) }

// Close closes the text; the converted end goes with its last user.
func (l *lateText) Close() error {
	if sp, _ := l.converted(); l.end.users.Add(-1) == 0 && sp != nil {
		sp.Close()
	}
	return l.Text.Close()
}

// lateTrack passes a text on unchanged up to the first line that must be converted.
type lateTrack struct {
	Track
	text  *lateText
	seen  int64          // up to there the text's encoding is known
	lines chineseLines   // the lines that came so far
	to    io.WriteCloser // converts, once something is
	done  int64          // up to there the text was converted, or lies before
}

// followLate follows a text of which nothing must be converted up to size.
func followLate(sink Sink, name string, text logs.Text, size int64) Track {
	end := &lateEnd{}
	end.from.Store(-1)
	end.users.Store(1)
	end.known.Store(size)
	t := &lateTrack{text: &lateText{Text: text, end: end}}
	t.leap(size)
	end.returns.Store(endsWithReturns(headAt(text, end.hole.Load())))
	t.seen = max(t.seen, index.LastBreak(text, size))
	t.Track = sink.Begin(name, t.text)
	return t
}

// leap skips the hole at the beginning; it returns false where there is nothing else.
func (t *lateTrack) leap(size int64) bool {
	if t.seen > 0 || size == 0 {
		return true
	}
	hole := holeEnd(t.text.Text, size)
	t.text.end.hole.Store(hole)
	if hole == size {
		return false
	}
	t.seen = hole
	return true
}

func (t *lateTrack) Grow(size int64, same func() bool) bool {
	switch {
	case t.to != nil, t.text.end.returns.Load():
	case !t.leap(size):
		t.text.end.known.Store(size)
		return true
	case !t.look(size, same):
		return false
	}
	t.text.end.known.Store(size)
	if t.to == nil {
		return t.Track.Grow(size-t.text.end.hole.Load(), same)
	}
	good := t.convert(size, same)
	return t.Track.Grow(convertedTo(t.text, t.to, t.text.Text, t.done), nil) && good
}

// look looks at what came for the first line that must be converted. It returns false
// where the text was truncated meanwhile.
func (t *lateTrack) look(size int64, same func() bool) bool {
	const step = 256 << 10
	buf := make([]byte, max(0, min(size-t.seen, step)))
	for off := t.seen; off < size; {
		piece := buf[:min(int64(len(buf)), size-off)]
		if !t.readPiece(piece, off, same) {
			return false
		}
		if off == t.text.end.hole.Load() {
			head := piece[:min(len(piece), headSize)]
			if reader(head, io.Discard) != nil {
				t.begin(off, func(w io.Writer) io.WriteCloser { return reader(head, w) })
				return true
			}
			if endsWithReturns(head) {
				t.text.end.returns.Store(true)
				return true
			}
		}
		end := bytes.LastIndexByte(piece, '\n') + 1
		if at := t.lines.firstChinese(piece[:end]); at >= 0 {
			t.begin(off+int64(at), func(w io.Writer) io.WriteCloser { return &chineseLines{w: w, known: true} })
			return true
		}
		if end == 0 {
			end = len(piece)
		}
		if off += int64(end); bytes.HasSuffix(piece[:end], []byte{'\n'}) {
			t.seen = off
		}
	}
	return true
}

// readPiece reads, and tells whether the text is still the one that was meant.
func (t *lateTrack) readPiece(piece []byte, off int64, same func() bool) bool {
	n, _ := t.text.Text.ReadAt(piece, off)
	return n == len(piece) && (same == nil || same())
}

// begin converts the text from there on.
func (t *lateTrack) begin(from int64, with func(io.Writer) io.WriteCloser) {
	sp, err := newSpool()
	if err != nil {
		return
	}
	t.text.end.spool = sp
	t.text.end.from.Store(from)
	t.to = with(sp)
	t.done = from
}

// convert converts up to size, one piece at a time.
func (t *lateTrack) convert(size int64, same func() bool) bool {
	buf := make([]byte, max(0, min(size-t.done, 256<<10)))
	for t.done < size {
		piece := buf[:min(int64(len(buf)), size-t.done)]
		if !t.readPiece(piece, t.done, same) {
			return false
		}
		if _, err := t.to.Write(piece); err != nil {
			return false
		}
		t.done += int64(len(piece))
	}
	return true
}

// Swap continues in a copy.
func (t *lateTrack) Swap(text logs.Text) {
	t.text.end.users.Add(1)
	t.text = &lateText{Text: text, end: t.text.end}
	t.Track.Swap(t.text)
}

// End ends the text.
func (t *lateTrack) End() {
	if t.to != nil && t.to.Close() == nil {
		t.Track.Grow(t.text.Size(), nil)
	}
	t.Track.End()
}
