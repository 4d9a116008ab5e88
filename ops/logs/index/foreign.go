package index

import (
	"bytes"
	"errors"

	"opsdeck/internal/bytepair"
)

// ErrForeign ends a search in which a text holds the bytes of Scan.Foreign.
var ErrForeign = errors.New("a text holds foreign bytes")

// foreign finds bytes in text.
type foreign struct {
	word []byte
	pair bytepair.Pair
}

// newForeign is nil without at least two bytes to look for.
func newForeign(word []byte) *foreign {
	if len(word) < 2 {
		return nil
	}
	return &foreign{word, bytepair.New(word[0], word[1], 1, false, 0xff)} // no text in UTF-8 has that byte
}

// in tells whether a text holds them.
func (f *foreign) in(text []byte) bool {
	if f == nil {
		return false
	}
	if !bytepair.Fast {
		return bytes.Contains(text, f.word)
	}
	for i := 0; i < len(text); i++ {
		if i = f.pair.Next(text, i); bytes.HasPrefix(text[min(i, len(text)):], f.word) {
			return true
		}
	}
	return false
}

// inPiece tells whether a text holds them in the piece at its end, which begins at i, or across its
// beginning.
func (f *foreign) inPiece(text []byte, i int) bool {
	return f != nil && f.in(text[max(0, i+1-len(f.word)):])
}
