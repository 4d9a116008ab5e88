package rowgzip

import "math/bits"

const (
	minMatch  = 6
	maxMatch  = 258
	patience  = 64 // bytes without a boundary after which every place is probed
	skipShift = 5  // how soon the steps grow then
)

// find gathers the sequences of about blockBytes of text from at on, and returns
// where they end.
//
// Rows repeat from their boundaries on: `,'APPROVED',` begins at a comma, behind a
// number that is new. So only boundaries are looked up and remembered, and the
// digits and hashes between them cost a look at each eighth byte. A stretch without
// any is looked through byte by byte.
func (e *Encoder) find(text []byte, at int) int {
	e.begin()
	until := min(at+blockBytes, len(text)-margin)
	emit := at
	s := at
	boundary := at
	for s < until {
		v := load(text, s)
		found := boundaries(v)
		if found != 0 {
			s += bits.TrailingZeros64(found) >> 3
			v = load(text, s)
			boundary = s
		}
		h := hash(v)
		t := int(e.table[h])
		e.table[h] = int32(s)
		if s-t <= window && (load(text, t)^v)<<(64-8*minMatch) == 0 {
			n := minMatch + extent(text, t+minMatch, s+minMatch)
			for t > 0 && s > emit && text[t-1] == text[s-1] {
				s = s - 1
				t = t - 1
				n = n + 1
			}
			e.add(text[emit:s], n, s-t)
			s += n
			emit = s
			continue
		}
		switch {
		case found != 0:
			s++
		case s-boundary < patience:
			s += 8
		default:
			s += 1 + (s-emit)>>skipShift
		}
	}
	return e.finish(text, at, s, emit)
}

// finish notes the literals from emit on of a block that began at at and has been
// looked through up to s, and returns where the block ends.
func (e *Encoder) finish(text []byte, at, s, emit int) int {
	end := len(text)
	if at+blockBytes < len(text)-margin {
		end = max(s, emit)
	}
	e.rest(text[emit:end])
	return end
}

// boundaries has the high bit of each byte set that lies below '0', as SQL's
// separators do, or begins a character of several bytes: at the lowest such byte
// exactly, above it maybe elsewhere too.
func boundaries(v uint64) uint64 {
	return ((v-'0'*ones)&^v | v&(v<<1)) & (0x80 * ones)
}

const ones = 0x0101010101010101

func (e *Encoder) begin() {
	e.seqs = e.seqs[:0]
	e.lit = [256]uint32{}
	e.length = [numLength]uint32{}
	e.dist = [numDist]uint32{}
}

// extent is how many bytes are the same from a and from b on; b is the later.
func extent(text []byte, a, b int) int {
	n := 0
	for b+n+8 <= len(text) {
		if x := load(text, a+n) ^ load(text, b+n); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
		n += 8
	}
	for b+n < len(text) && text[a+n] == text[b+n] {
		n++
	}
	return n
}

// add notes literals and the match of length n behind them, cut where it is
// longer than a match may be.
func (e *Encoder) add(literals []byte, n, distance int) {
	for _, b := range literals {
		e.lit[b]++
	}
	d := uint32(distance - 1)
	code := distCode(d)
	head := sequence(len(literals)) << 32
	for n > 0 {
		m := n
		if m > maxMatch {
			m = min(maxMatch, n-3) // what is left must be a match too
		}
		e.length[lengthCode[m]]++
		e.dist[code]++
		e.seqs = append(e.seqs, head|sequence(m)<<16|sequence(d))
		n, head = n-m, 0
	}
}

// rest notes the literals at a block's end.
func (e *Encoder) rest(literals []byte) {
	for _, b := range literals {
		e.lit[b]++
	}
	e.seqs = append(e.seqs, sequence(len(literals))<<32)
}
