package unpack

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// errUTF16 says that text in UTF-16 holds half a character, or ends within one.
var errUTF16 = errors.New("the text is damaged UTF-16")

// utf16Text gives text in UTF-16, with its mark at the beginning, as UTF-8. Nothing is
// replaced: what is no character is an error.
type utf16Text struct {
	in   *bufio.Reader
	big  bool
	left []byte
}

func newUTF16(in *bufio.Reader) io.Reader {
	mark, _ := in.Peek(2)
	t := &utf16Text{in: in, big: mark[0] == 0xfe}
	in.Discard(2)
	return t
}

func (t *utf16Text) Read(p []byte) (n int, err error) {
	for n == 0 || n+utf8.UTFMax <= len(p) {
		if len(t.left) > 0 {
			k := copy(p[n:], t.left)
			t.left = t.left[k:]
			n += k
			if n == len(p) {
				return n, nil
			}
			continue
		}
		r, err := t.next()
		if err != nil {
			if n > 0 && errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
		t.left = utf8.AppendRune(t.left[:0], r)
	}
	return n, nil
}

func (t *utf16Text) next() (rune, error) {
	r, err := t.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	low, err := t.unit()
	if err != nil {
		return 0, errUTF16
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, errUTF16
	}
	return r, nil
}

func (t *utf16Text) unit() (rune, error) {
	a, err := t.in.ReadByte()
	if err != nil {
		return 0, err
	}
	b, err := t.in.ReadByte()
	if err != nil {
		return 0, errUTF16
	}
	if t.big {
		a, b = b, a
	}
	return rune(a) | rune(b)<<8, nil
}
