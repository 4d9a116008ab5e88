// Package bytepair finds two bytes at a distance in text, and a third one that ends the
// search: 32 places at a time on CPUs with AVX2.
package bytepair

// Pair is what is looked for.
type Pair struct {
	first, second         byte
	foldFirst, foldSecond byte // bits that are set before a byte is compared
	stop                  byte
	gap                   int
}

// New looks for first with second gap bytes behind it, and for stop. With fold, letters are
// given in lower case and found in either.
func New(first, second byte, gap int, fold bool, stop byte) Pair {
	p := Pair{first: first, second: second, gap: gap, stop: stop}
	if fold {
		p.foldFirst, p.foldSecond = caseBit(first), caseBit(second)
	}
	return p
}

func caseBit(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return 'a' - 'A'
	}
	return 0
}

// Next is the first place at or after i of the pair or of the byte that ends the search;
// len(b) where there is none.
func (p *Pair) Next(b []byte, i int) int {
	if n := (len(b) - p.gap - i) &^ 31; Fast && n > 0 {
		if at := scan(&b[i], n, p); at < n {
			return i + at
		}
		i += n
	}
	for ; i < len(b); i++ {
		if b[i] == p.stop {
			return i
		}
		if b[i]|p.foldFirst == p.first && i+p.gap < len(b) && b[i+p.gap]|p.foldSecond == p.second {
			return i
		}
	}
	return len(b)
}
