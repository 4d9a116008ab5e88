package logfile

import (
	"bufio"
	"bytes"
	"context"
	"io"

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
