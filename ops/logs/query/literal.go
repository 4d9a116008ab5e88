package query

import (
	"bytes"
	"strings"

	"opsdeck/internal/bytepair"
)

// Literal is a word that every hit must hold unchanged.
func (q *Query) Literal() (f TextFinder, ok bool) {
	best := 2
	for _, g := range q.Groups {
		if len(g) != 1 || g[0].Not {
			continue
		}
		t := g[0]
		word := ""
		fold := g[0].Fold
		switch t.Kind {
		case TermExact, TermPrefix, TermSuffix, TermEqual:
			word = t.Text
		case TermRegexp:
			word = t.Literal()
			fold = false
		}
		if len(word) > best && (!fold || ascii(word)) {
			best, f, ok = len(word), newTextFinder(word, fold), true
		}
	}
	return f, ok
}

// OneExact tells whether a line matches that holds the query's literal, and no other.
func (q *Query) OneExact() bool { return len(q.Groups) == 1 && q.Groups[0][0].Kind == TermExact }

// escape begins a colour.
const escape = 0x1b

// TextFinder looks for a word in text of which lines may be coloured.
type TextFinder struct {
	finder
	pair  bytepair.Pair // two rare bytes of the word, and the escape character
	lead  int           // the place of the first of them in the word
	pairs bool          // they can be looked for
}

func newTextFinder(word string, fold bool) TextFinder {
	f := TextFinder{finder: newFinder(word, fold)}
	f.pairs = bytepair.Fast && len(word) > 1 && strings.IndexByte(word, escape) < 0
	if !f.pairs {
		return f
	}
	next, best := 0, -1 // the rarest byte but one
	for i := range len(word) {
		if r := rarityOf(word[i], fold); i != f.rare && r > best {
			next, best = i, r
		}
	}
	f.lead = min(f.rare, next)
	second := max(f.rare, next)
	f.pair = bytepair.New(word[f.lead], word[second], second-f.lead, fold, escape)
	return f
}

// Next returns the first place at or after i of the word or, with coloured, of an escape
// character before it; -1 where neither is. From there to the end of a line the word may
// be there with a colour within.
func (f *TextFinder) Next(b []byte, i int) (at int, coloured bool) {
	if !f.pairs {
		return f.plain(b, i)
	}
	for from := i; ; i++ {
		if i = f.pair.Next(b, i); i >= len(b) {
			return -1, false
		}
		if b[i] == escape {
			return i, true
		}
		if at := i - f.lead; at >= from && f.at(b, at) {
			return at, false
		}
	}
}

// plain is Next by single bytes: no part of the text is looked through often.
func (f *TextFinder) plain(b []byte, i int) (at int, coloured bool) {
	for size := 512; ; size *= 2 {
		end := min(i+size+len(f.Word), len(b))
		at := f.next(b[:end], i)
		until := at
		if at < 0 {
			until = end
		}
		if esc := bytes.IndexByte(b[i:until], escape); esc >= 0 {
			return i + esc, true
		}
		if at >= 0 || end == len(b) {
			return at, false
		}
		i = end - len(f.Word) + 1
	}
}
