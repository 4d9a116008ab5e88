package logfile

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"unicode/utf8"

	logline "opsdeck/ops/logs/line"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Stream copies the reader's text as it arrives, unpacked and unwrapped.
func (s *stream) Stream(ctx context.Context, w *Lines) error {
	in := bufio.NewReaderSize(contextReader{ctx, s.r}, 64<<10)
	r := io.Reader(in)
	if open := streamUnpacker(firstBytes(in)); open != nil {
		var err error
		if r, err = open(in); err != nil {
			return damaged(s.name, err)
		}
	}
	d := &decoder{w: w}
	_, err := io.CopyBuffer(struct{ io.Writer }{d}, r, make([]byte, 64<<10))
	if closed := d.Close(); err == nil {
		return closed
	}
	if ctx.Err() != nil {
		return err
	}
	return damaged(s.name, err)
}

// streamUnpacker is unpacker for a stream: it waits for no more input than is needed. An
// archive is read member by member and waits for them.
func streamUnpacker(head []byte) func(io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }
	}
	return unpacker("", head)
}

// firstBytes is the start of a stream, which identifies compressed input: what is
// available, without waiting for more than needed.
func firstBytes(in *bufio.Reader) []byte {
	for n := 1; n <= 4; n++ {
		head, err := in.Peek(n)
		if err != nil || bytes.IndexByte(head, '\n') >= 0 {
			break
		}
	}
	head, _ := in.Peek(in.Buffered())
	return head
}

// decoder converts a streamed text to UTF-8 lines, as reader does. Its first line shows
// the format; that it is not UTF-8 may show later.
type decoder struct {
	w    io.Writer
	to   io.WriteCloser // nil while the text is written unchanged
	head []byte         // held until it contains a line
	past bool           // the first line was seen
	sure bool           // the format is certain
}

func (d *decoder) Write(p []byte) (int, error) {
	if d.sure {
		return d.pass(p)
	}
	d.head = append(d.head, p...)
	if bytes.IndexByte(d.head, '\n') < 0 && len(d.head) < 8<<10 {
		return len(p), nil
	}
	return len(p), d.settle()
}

func (d *decoder) pass(p []byte) (int, error) {
	if d.to != nil {
		return d.to.Write(p)
	}
	return d.w.Write(p)
}

// settle examines the held text. Plain ASCII may still turn out to be any encoding that
// contains it.
func (d *decoder) settle() error {
	held := d.head
	d.head = nil
	look := held[:min(len(held), 8<<10)]
	if !d.past {
		d.past = true
		if _, wide := utf16Order(look); wide || logline.IsWrapped(look) {
			d.to = reader(look, d.w)
			d.sure = true
		}
	}
	if at := bytes.IndexFunc(held, func(c rune) bool { return c >= utf8.RuneSelf }); !d.sure && at >= 0 {
		line := held[bytes.LastIndexByte(held[:at], '\n')+1:]
		if line = line[:min(len(line), 8<<10)]; looksGBK(line) && !logline.IsWrapped(line) {
			d.to = reader(line, d.w)
		}
		d.sure = d.to != nil || bytes.IndexByte(line, '\n') >= 0 && validLines(line)
	}
	_, err := d.pass(held)
	return err
}

// validLines reports whether the whole lines of a piece are UTF-8.
func validLines(p []byte) bool { return utf8.Valid(p[:bytes.LastIndexByte(p, '\n')+1]) }

// Close writes what is held.
func (d *decoder) Close() error {
	if len(d.head) > 0 {
		if err := d.settle(); err != nil {
			return err
		}
	}
	if d.to != nil {
		return d.to.Close()
	}
	return nil
}
