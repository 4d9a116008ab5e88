package logfile

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"

	"opsdeck/internal/unpack"
	"opsdeck/ops/logs"
)

// stream is a reader as a part, unpacked and unwrapped like a file. Of an archive, the
// members are read one after the other.
type stream struct {
	name string
	r    io.Reader
}

func (s *stream) Name() string { return s.name }

// Open reads it to its end into a spool.
func (s *stream) Open(ctx context.Context) (logs.Text, error) {
	sp, err := newSpool()
	if err != nil {
		return nil, err
	}
	var unread error
	err = s.each(ctx, sp, headSize, func(err error) { unread = cmp.Or(unread, err) })
	return sp.or(ctx, cmp.Or(err, unread))
}

// Stream copies the reader's text as it arrives.
func (s *stream) Stream(ctx context.Context, w *Lines) error { return s.each(ctx, w, 0, w.Warn) }

// each writes all that the reader holds, converted; its format is told by so much of its
// beginning, or with 0 by its first line. A member of an archive that is not text is left
// out and warned of.
func (s *stream) each(ctx context.Context, w io.Writer, head int, warn func(error)) error {
	out := &lineEnds{w: w}
	err := unpack.Each(contextReader{ctx, s.r}, func(name string, in *bufio.Reader) error {
		first, _ := in.Peek(max(head, in.Buffered()))
		if binary(first) {
			if name == "" {
				return errNoText
			}
			warn(damaged(s.name+"/"+name, errNoText))
			return nil
		}
		if err := out.end(); err != nil {
			return err
		}
		to := io.WriteCloser(&decoder{w: out})
		if head > 0 {
			to = lineConverter(first, out)
		}
		_, err := io.CopyBuffer(struct{ io.Writer }{to}, in, make([]byte, 64<<10))
		if closed := to.Close(); err == nil {
			err = closed
		}
		return err
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return damaged(s.name, err)
}

// lineEnds notes whether what was written ends with a line break.
type lineEnds struct {
	w    io.Writer
	last byte
}

func (l *lineEnds) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.last = p[len(p)-1]
	}
	return l.w.Write(p)
}

// end ends the last line.
func (l *lineEnds) end() error {
	if l.last == 0 || l.last == '\n' {
		return nil
	}
	_, err := l.Write([]byte{'\n'})
	return err
}

// decoder converts a streamed text to UTF-8 lines, as reader does. Its first line shows
// the format.
type decoder struct {
	w    io.Writer
	to   io.WriteCloser // nil until the format is known
	head []byte         // held until it contains a line
}

func (d *decoder) Write(p []byte) (int, error) {
	if d.to != nil {
		return d.to.Write(p)
	}
	d.head = append(d.head, p...)
	if bytes.IndexByte(d.head, '\n') < 0 && len(d.head) < headSize && !endsWithReturns(d.head) {
		return len(p), nil
	}
	return len(p), d.settle()
}

// settle examines the held text.
func (d *decoder) settle() error {
	held := d.head
	d.head = nil
	d.to = lineConverter(held[:min(len(held), headSize)], d.w)
	_, err := d.to.Write(held)
	return err
}

// Close writes what is held.
func (d *decoder) Close() error {
	if d.to == nil {
		if err := d.settle(); err != nil {
			return err
		}
	}
	return d.to.Close()
}
