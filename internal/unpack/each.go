package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Each hands over the text that a stream holds, or the texts of the archive that it is, one
// after the other, each with all packing taken off; name is that of an archive's member. It
// waits for no more of the stream than shows what it is. An error of take ends it.
func Each(r io.Reader, take func(name string, in *bufio.Reader) error) error {
	return each{take}.open("", r, 0)
}

type each struct {
	take func(name string, in *bufio.Reader) error
}

func (e each) open(name string, r io.Reader, depth int) error {
	if depth > mostLayers {
		return fmt.Errorf("the file is packed more than %d times", mostLayers)
	}
	in := bufio.NewReaderSize(r, 64<<10)
	head := early(in)
	switch {
	case IsZip(head):
		return e.zip(in, depth)
	case isTar(head):
		return e.tar(in, depth)
	case compressed(head):
		l := &layers{live: true}
		defer l.Close()
		next, err := l.open(in, head)
		if err != nil {
			return err
		}
		return e.open(name, next, depth+1)
	case Packed(head):
		return known(head)
	}
	return e.take(name, in)
}

// early is the beginning of a stream: as much as tells what it is.
func early(in *bufio.Reader) []byte {
	for n := 1; ; n++ {
		if head, err := in.Peek(n); err != nil {
			return head
		}
		head, _ := in.Peek(in.Buffered())
		if Packed(head) || bytes.IndexByte(head, '\n') >= 0 && !odd(head) || len(head) >= headBytes {
			return head
		}
		n = len(head)
	}
}

// odd tells whether a beginning has control characters that no text contains: more of it
// shows whether it is one.
func odd(head []byte) bool {
	return bytes.ContainsFunc(head, func(r rune) bool {
		return r < ' ' && !strings.ContainsRune("\x00\b\t\n\f\r\x1b", r)
	})
}

func (e each) tar(in *bufio.Reader, depth int) error {
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return drained(in)
		case err != nil:
			return err
		case h.Typeflag == tar.TypeReg:
			if err := e.open(h.Name, t, depth+1); err != nil {
				return err
			}
		}
	}
}

func (e each) zip(in *bufio.Reader, depth int) error {
	for {
		sign, err := in.Peek(4)
		switch {
		case err != nil:
			return io.ErrUnexpectedEOF
		case string(sign) == "PK\x01\x02":
			return drained(in)
		case string(sign) != "PK\x03\x04":
			return errZip
		}
		name, z, err := nextZip(in)
		if err != nil {
			return err
		}
		if z == nil { // a folder
			continue
		}
		z.several = true
		if err := e.open(name, z, depth+1); err != nil {
			return err
		}
		if err := drained(z); err != nil {
			return err
		}
	}
}

// drained reads the rest: what it is packed in must be whole too.
func drained(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
