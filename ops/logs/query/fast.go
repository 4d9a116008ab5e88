package query

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"time"
	"unsafe"

	logline "opsdeck/ops/logs/line"
)

// ZeroTime is no time.
var ZeroTime time.Time

// MatchBytes is MatchLine for a line of the text, unchanged, without making a
// string of it. vis is room for the line without its colours.
func (q *Query) MatchBytes(line []byte, vis *[]byte) bool {
	return q.MatchGroups(line, vis, ^uint64(0))
}

// MatchGroups is matchBytes for those groups of words whose bit is set, and for
// all from the 65th on.
func (q *Query) MatchGroups(line []byte, vis *[]byte, which uint64) bool {
	line = logline.VisibleIn(line, vis)
	for k, group := range q.Groups {
		if k < 64 && which>>k&1 == 0 {
			continue
		}
		ok := false
		for i := range group {
			if group[i].matchBytes(line) {
				ok = true
				break
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func (t *Term) matchBytes(line []byte) bool {
	switch {
	case t.Kind == TermFuzzy && ascii(t.Text):
		return fuzzyASCII(line, t.Text, t.Fold && hasLetter(t.Text)) != t.Not
	case t.Kind == TermExact && (!t.Fold || ascii(t.Text)):
		f := newFinder(t.Text, t.Fold)
		return (f.next(line, 0) >= 0) != t.Not
	case t.Kind == TermRegexp:
		return t.Re.Match(line) != t.Not
	}
	return t.Match(unsafe.String(unsafe.SliceData(line), len(line)))
}

func hasLetter(s string) bool {
	for i := range len(s) {
		if logline.Letter(s[i]) {
			return true
		}
	}
	return false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// lower is the lower case of ASCII letters; other bytes stay.
var lower = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			t[c] += 'a' - 'A'
		}
	}
	return t
}()

// fuzzyASCII is fuzzy for a word in ASCII: its bytes decide, for no other
// character holds or becomes one of them.
func fuzzyASCII(line []byte, word string, fold bool) bool {
	if !fold {
		for i := range len(word) {
			at := bytes.IndexByte(line, word[i])
			if at < 0 {
				return false
			}
			line = line[at+1:]
		}
		return true
	}
	if word == "" {
		return true
	}
	k, want := 0, word[0]
	for _, c := range line {
		if lower[c] == want {
			if k++; k == len(word) {
				return true
			}
			want = word[k]
		}
	}
	return false
}

// finder looks for a word by its rarest byte. A word to be found in either case
// is lower case and ASCII.
type finder struct {
	Word  string
	fold  bool
	rare  int // place of the rarest byte in word
	other byte
}

// rarity is about how rare a byte is in logs: frequent letters, digits and JSON's
// punctuation first.
var rarity = func() (t [256]byte) {
	for i := range t {
		t[i] = 250
	}
	for i, c := range []byte(" e\"toarni,0s1d:l2c63457h98mup-gyv[]TS.{}fbOAIENRLkwCxMPD=_/jqzFGUHVKJXYBQWZ") {
		t[c] = byte(i)
	}
	for c := 0x80; c < 0xc0; c++ {
		t[c] = 70
	}
	for c := 0xe4; c < 0xea; c++ {
		t[c] = 20
	}
	return t
}()

// rarityOf is about how rare a byte of a word is.
func rarityOf(c byte, fold bool) int {
	r := int(rarity[c])
	if fold && logline.Letter(c) {
		r = min(r, int(rarity[c-('a'-'A')])) - 1
	}
	return r
}

func newFinder(word string, fold bool) finder {
	f := finder{Word: word, fold: fold}
	best := -1
	for i := range len(word) {
		if r := rarityOf(word[i], fold); r > best {
			best, f.rare = r, i
		}
	}
	if word != "" && fold && logline.Letter(word[f.rare]) {
		f.other = word[f.rare] - ('a' - 'A')
	}
	return f
}

// next returns the first place at or after i of the word, or -1.
func (f *finder) next(b []byte, i int) int {
	if f.Word == "" {
		return i
	}
	fails := 0
	for at := i + f.rare; ; at++ {
		if at = f.nextRare(b, at); at >= len(b) {
			return -1
		}
		if f.at(b, at-f.rare) {
			return at - f.rare
		}
		if fails++; !f.fold && fails > 4+(at-i)>>8 { // the byte is not rare here
			return f.whole(b, at-f.rare+1)
		}
	}
}

// whole is next by the whole word.
func (f *finder) whole(b []byte, i int) int {
	if at := strings.Index(unsafe.String(unsafe.SliceData(b), len(b))[i:], f.Word); at >= 0 {
		return i + at
	}
	return -1
}

// nextRare is the first place at or after at of either form of the rare byte, or the
// length of b. A form that does not occur is not looked for beyond the other one: from
// each hit to the end of a text, that would be its square.
func (f *finder) nextRare(b []byte, at int) int {
	c := f.Word[f.rare]
	if f.other == 0 {
		if at >= len(b) {
			return len(b)
		}
		return logline.After(b, c, at)
	}
	for size := 256; at < len(b); size *= 2 {
		end := min(at+size, len(b))
		part := b[at:end]
		lo := bytes.IndexByte(part, c)
		if lo >= 0 {
			part = part[:lo]
		}
		if up := bytes.IndexByte(part, f.other); up >= 0 {
			return at + up
		}
		if lo >= 0 {
			return at + lo
		}
		at = end
	}
	return len(b)
}

func (f *finder) at(b []byte, i int) bool {
	if i+len(f.Word) > len(b) {
		return false
	}
	if !f.fold {
		return string(b[i:i+len(f.Word)]) == f.Word
	}
	for k := range len(f.Word) {
		if lower[b[i+k]] != f.Word[k] {
			return false
		}
	}
	return true
}

// MatchGiant matches a line too long to be held: each word by itself, piece by
// piece, a regular expression in one pass. A word at the line's beginning or end sees
// its first or last part only.
func (q *Query) MatchGiant(r io.ReaderAt, off, end int64) (bool, error) {
	for _, group := range q.Groups {
		ok := false
		for i := range group {
			found, err := group[i].findGiant(r, off, end)
			if err != nil {
				return false, err
			}
			if ok = found != group[i].Not; ok {
				break
			}
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

func (t *Term) findGiant(r io.ReaderAt, off, end int64) (bool, error) {
	positive := *t
	positive.Not = false
	if t.Kind == TermSuffix || t.Kind == TermEqual {
		off = max(off, end-logline.WindowBytes)
	}
	if t.Kind == TermRegexp {
		return t.readsGiant(r, off, end)
	}
	if t.Kind != TermFuzzy && t.Kind != TermExact {
		end = min(end, off+logline.WindowBytes)
	}
	buf := make([]byte, logline.WindowBytes)
	overlap := max(len(t.Text)-1, 0)
	left := t.Text
	for off < end {
		n := int(min(int64(len(buf)), end-off))
		if err := logline.ReadFull(r, buf[:n], off); err != nil {
			return false, err
		}
		piece := buf[:n]
		if t.Kind == TermFuzzy {
			if left = fuzzyRest(piece, left, t.Fold); left == "" {
				return true, nil
			}
		} else if positive.matchBytes(logline.TrimCR(piece)) {
			return true, nil
		}
		off += int64(n)
		if off < end && t.Kind != TermFuzzy && overlap < n {
			off -= int64(overlap)
		}
	}
	return false, nil
}

// readsGiant looks for a regular expression in the line from off to end.
func (t *Term) readsGiant(r io.ReaderAt, off, end int64) (bool, error) {
	last := make([]byte, min(16, end-off))
	if err := logline.ReadFull(r, last, end-int64(len(last))); err != nil {
		return false, err
	}
	end -= int64(len(last) - len(logline.TrimCR(last)))
	in := &lastError{r: io.NewSectionReader(r, off, end-off)}
	found := t.Re.MatchReader(bufio.NewReaderSize(in, 64<<10))
	return found, in.err
}

// lastError keeps the error that ended a reader early.
type lastError struct {
	r   io.Reader
	err error
}

func (l *lastError) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}

// fuzzyRest returns what of the word is not found yet after a piece of a line.
func fuzzyRest(piece []byte, word string, fold bool) string {
	for _, r := range string(piece) {
		if word == "" {
			return ""
		}
		if fold {
			r = foldRune(r)
		}
		for _, want := range word {
			if r == want {
				word = word[len(string(want)):]
			}
			break
		}
	}
	return word
}
