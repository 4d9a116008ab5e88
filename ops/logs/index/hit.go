package index

import (
	"bytes"
	"context"
	"io"
	"strings"
	"time"

	"opsdeck/ops/logs"
	"opsdeck/ops/logs/line"
)

// maxRaw bounds how much of an event's text is taken into memory.
const maxRaw = 1 << 20

// countTo finds the number of lines before region i by counting line breaks up
// to a line whose number within the region is known.
func (p *openPart) countTo(ctx context.Context, i int, off, within int64) error {
	n, err := CountLines(p.text, off)
	if err != nil {
		return err
	}
	if p.piece != nil {
		before, err := p.piece.LinesBefore(ctx)
		if err != nil {
			return err
		}
		n += before
	}
	p.lines[i] = n - within
	return nil
}

// Event reads the hit's event: whole when the line is its head, else the line
// alone with what the event says of itself.
func (s *Scan) Event(p *line.Parser, h *Hit) (logs.Event, error) {
	end := h.End
	if h.Off == h.Head {
		end = h.Last
	}
	h.text.manner.Teach(p)
	e, err := ReadEvent(h.text.nearby(), p, h.Off, end, h.Head)
	e.Source, e.Line = h.Source, h.Line
	if !e.Time.IsZero() { // else it says none that can be read: that of the event before is not its own
		e.Time = h.Time().In(s.Zone)
	}
	return e, err
}

// Explain reads the hit's line and tells how it was read.
func (s *Scan) Explain(p *line.Parser, h *Hit) (line.Explained, error) {
	h.text.manner.Teach(p)
	raw, err := readMarked(h.text.text, h.Off, min(h.End, h.Off+maxRaw))
	if err != nil {
		return line.Explained{}, err
	}
	line.Date(p, h.text.text)
	p.At = h.Off
	x := p.Explain([]byte(raw))
	if h.Off == h.Head && line.NeedsMore(&x.Event) {
		if x.Event.Raw, err = ReadText(h.text.text, h.Off, min(h.Last, h.Off+maxRaw)); err != nil {
			return line.Explained{}, err
		}
		if p.Whole(&x.Event); x.Event.Format == logs.FormatJSON {
			x.Reader = line.ReaderJSON
		}
		p.Elsewhere(x.Event.Time, func() {
			other := x.Event
			other.Time = time.Time{}
			p.Whole(&other)
			x.Zoned = x.Zoned || !other.Time.IsZero() && other.Time.Equal(x.Event.Time)
		})
	}
	x.Event.Raw = line.Unmarked(raw)
	x.Event.More = max(0, h.End-h.Off-maxRaw)
	x.Event.Source = h.Source
	x.Event.Line = h.Line
	return x, nil
}

// WholeEvent reads the event that the hit lies in.
func (s *Scan) WholeEvent(p *line.Parser, h *Hit) (logs.Event, error) {
	whole := *h
	whole.Line -= int64(h.within)
	whole.Off = h.Head
	return s.Event(p, &whole)
}

// ReadEvent reads and parses the text from off to end, whose event's head begins
// at head.
func ReadEvent(r io.ReaderAt, p *line.Parser, off, end, head int64) (logs.Event, error) {
	raw, err := readMarked(r, off, min(end, off+maxRaw))
	if err != nil {
		return logs.Event{}, err
	}
	first, _, _ := strings.Cut(raw, "\n")
	e, _ := p.Parse([]byte(first))
	e.Raw = line.Unmarked(raw)
	e.More = max(0, end-off-maxRaw)
	if off == head {
		p.Whole(&e)
		return e, nil
	}
	top, err := firstLine(r, head, off)
	if err != nil {
		return e, err
	}
	of, _ := p.Parse(top)
	e.Cont = true
	e.Level = of.Level
	e.Context = of.Context
	e.Time = of.Time
	return e, nil
}

// ReadText reads text as it was written: without marks and the \r of line breaks.
func ReadText(r io.ReaderAt, off, end int64) (string, error) {
	text, err := readMarked(r, off, end)
	return line.Unmarked(text), err
}

// hole is the beginning of a line that begins with a hole, as a crash leaves in a file.
var hole [16]byte

// readMarked reads text without the \r of its line breaks and a hole at its beginning.
func readMarked(r io.ReaderAt, off, end int64) (string, error) {
	buf := make([]byte, max(0, end-off))
	if err := line.ReadFull(r, buf, off); err != nil {
		return "", err
	}
	return markedOf(buf), nil
}

// textOf is text that was read as ReadText gives it.
func textOf(buf []byte) string { return line.Unmarked(markedOf(buf)) }

func markedOf(buf []byte) string {
	if bytes.HasPrefix(buf, hole[:]) {
		buf = bytes.TrimLeft(buf, "\x00")
	}
	text := string(line.TrimCR(buf))
	if strings.Contains(text, "\r\n") {
		text = strings.ReplaceAll(text, "\r\n", "\n")
	}
	return text
}

func firstLine(r io.ReaderAt, off, end int64) ([]byte, error) {
	buf := make([]byte, min(end-off, 64<<10))
	if err := line.ReadFull(r, buf, off); err != nil {
		return nil, err
	}
	return line.TrimCR(buf[:line.After(buf, '\n', 0)]), nil
}

// Text reads the hit's line as a person sees it.
func (h *Hit) Text() (string, error) {
	raw, err := ReadText(h.text.text, h.Off, min(h.End, h.Off+line.WindowBytes))
	return string(line.Visible([]byte(raw), nil)), err
}
