package index

import (
	"bytes"
	"io"

	"opsdeck/ops/logs/line"
)

// Around is a hit's event with lines before and after it, which may lie in the
// neighbouring parts of its source.
type Around struct {
	Before, Event, After string
	More                 int64 // bytes of the event after those of Event: it is longer than what is read at once
	End                  int64 // end of what is given, in the part's text
	Over                 Over  // and in that of the part behind
	Gap                  bool  // lines are left out between the last hit and this
}

// Over is how far something reaches into a part's text.
type Over struct {
	text *openPart
	end  int64
}

// SameEvent tells whether two hits lie in one event.
func (h *Hit) SameEvent(o *Hit) bool { return h.text != nil && h.text == o.text && h.Head == o.Head }

// printed is how much of a part's text was printed with the hit.
func (h *Hit) printed(p *openPart) int64 {
	switch p {
	case h.text:
		return h.Printed
	case h.Over.text:
		return h.Over.end
	}
	return 0
}

// Around reads the hit's event with as many lines before and after it, but for
// those that were printed with the last hit. Hits come the oldest first.
func (s *Scan) Around(h *Hit, before, after int, last *Hit) (a Around, err error) {
	if before == 0 && after == 0 && h.event != nil && last.printed(h.text) <= h.Head && len(h.event) <= maxRaw {
		a.Event = textOf(h.event)
		a.End = min(h.Last+1, h.text.size)
		return a, nil
	}
	text := h.text.nearby()
	from, err := linesBack(text, h.Head, before)
	if err != nil {
		return a, err
	}
	to, err := linesOn(text, h.Last, h.text.size, after)
	if err != nil {
		return a, err
	}
	done := min(last.printed(h.text), to)
	from = max(from, done)
	a.Gap = last.text != nil && (done == 0 || from > done)
	a.End = to
	a.More = max(0, h.Last-max(done, h.Head+maxRaw))
	for _, p := range []struct {
		out      *string
		off, end int64
	}{{&a.Before, from, h.Head - 1}, {&a.Event, max(h.Head, done), min(h.Last, h.Head+maxRaw)},
		{&a.After, max(h.Last+1, done), to}} {
		if p.off < p.end {
			if *p.out, err = ReadText(text, p.off, p.end); err != nil {
				return a, err
			}
		}
	}
	if a.End < h.text.size {
		a.End++ // the line break
	}
	if from == 0 && done == 0 {
		if err := a.reachBack(h, before, last); err != nil {
			return a, err
		}
	}
	return a, a.reachOn(h, after, last)
}

// CopyMore writes the bytes of the hit's event that Around counts as More.
func (s *Scan) CopyMore(w io.Writer, h *Hit, more int64) error {
	_, err := io.Copy(w, io.NewSectionReader(h.text.text, h.Last-more, more))
	return err
}

// reachBack adds the lines that are still wanted from the end of the part before.
func (a *Around) reachBack(h *Hit, before int, last *Hit) error {
	p := h.text.older
	n, err := CountLines(h.text.text, h.Head)
	if before -= int(n); err != nil || p == nil || p.size == 0 {
		return err
	}
	end := LastBreak(p.text, p.size)
	if end < p.size {
		end = p.size + 1 // its last line has no break
	}
	from, err := linesBack(p.text, end, max(before, 0))
	if err != nil {
		return err
	}
	done := last.printed(p)
	if done >= p.size {
		done = end
	}
	from = max(from, done)
	a.Gap = last.text != nil && (done == 0 || from > done)
	if from >= end-1 {
		return nil
	}
	text, err := ReadText(p.text, from, end-1)
	if a.Before != "" {
		text += "\n" + a.Before
	}
	a.Before = text
	return err
}

// reachOn adds the lines that are still wanted from the beginning of the part behind.
func (a *Around) reachOn(h *Hit, after int, last *Hit) error {
	if after == 0 || a.End < h.text.size || h.text.newer == nil {
		return nil
	}
	n, err := countBreaks(h.text.text, h.Last+1, h.text.size)
	if after -= int(n); err != nil || after <= 0 {
		return err
	}
	if h.Last+1 < h.text.size && LastBreak(h.text.text, h.text.size) < h.text.size {
		after-- // a line without a break
	}
	p := h.text.newer()
	if p == nil || after <= 0 {
		return nil
	}
	to, err := linesOn(p.text, -1, p.size, after)
	if err != nil || to <= 0 {
		return err
	}
	done := last.printed(p)
	a.Over = Over{p, max(done, min(to+1, p.size))}
	if done >= to {
		return nil
	}
	text, err := ReadText(p.text, done, to)
	if a.After != "" {
		text = a.After + "\n" + text
	}
	a.After = text
	return err
}

// linesBack returns where the n-th line before the one at off begins.
func linesBack(r io.ReaderAt, off int64, n int) (int64, error) {
	if n <= 0 {
		return off, nil
	}
	buf := make([]byte, 4<<10)
	for pos := off - 1; n > 0 && pos > 0; {
		size := int(min(int64(len(buf)), pos))
		if err := line.ReadFull(r, buf[:size], pos-int64(size)); err != nil {
			return 0, err
		}
		i := bytes.LastIndexByte(buf[:size], '\n')
		if i < 0 {
			pos -= int64(size)
			off = pos
			continue
		}
		off = pos - int64(size) + int64(i) + 1
		pos = off - 1
		n--
		if pos <= 0 {
			break
		}
	}
	if n > 0 {
		return 0, nil
	}
	return off, nil
}

// linesOn returns where the n-th line after the one that ends at end ends.
func linesOn(r io.ReaderAt, end, size int64, n int) (int64, error) {
	if n <= 0 {
		return end, nil
	}
	buf := make([]byte, 4<<10)
	for n > 0 && end+1 < size {
		pos := end + 1
		for pos < size {
			k := int(min(int64(len(buf)), size-pos))
			if err := line.ReadFull(r, buf[:k], pos); err != nil {
				return 0, err
			}
			if i := bytes.IndexByte(buf[:k], '\n'); i >= 0 {
				pos += int64(i)
				break
			}
			pos += int64(k)
		}
		end = pos
		n--
	}
	return end, nil
}

// LastBreak is the end of the last whole line before end.
func LastBreak(r io.ReaderAt, end int64) int64 {
	buf := make([]byte, 64<<10)
	for end > 0 {
		n := min(int64(len(buf)), end)
		if line.ReadFull(r, buf[:n], end-n) != nil {
			return end
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return end - n + int64(i) + 1
		}
		end -= n
	}
	return 0
}

// CountLines counts the line breaks before end.
func CountLines(r io.ReaderAt, end int64) (n int64, err error) { return countBreaks(r, 0, end) }

func countBreaks(r io.ReaderAt, from, end int64) (n int64, err error) {
	buf := make([]byte, min(line.WindowBytes, max(0, end-from)))
	for pos := from; pos < end; {
		size := min(int64(len(buf)), end-pos)
		if err := line.ReadFull(r, buf[:size], pos); err != nil {
			return n, err
		}
		n += int64(bytes.Count(buf[:size], []byte{'\n'}))
		pos += size
	}
	return n, nil
}
