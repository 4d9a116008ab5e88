package rowgzip

import (
	"math"
	"math/bits"
)

// Text with few boundaries, as BLOBs in hex and base64, and prose repeat from any place
// on. Blocks of such text are searched as zlib does it: each place is remembered,
// several earlier ones are looked at, and a match gives way to a better one that
// begins a byte later. Unlike there a match must be shorter than its literals: four
// digits of hex are, far back, longer as a match.
const (
	depth       = 8       // earlier places looked at
	enough      = 48      // a match of this length is taken as it is
	wordyFrom   = 12      // bytes to a letter among the literals, at most, in wordy text
	rareFrom    = 24      // bytes to a boundary, on average, from which on text is dense
	sampleStep  = 61 * 8  // one word of so many bytes is looked at
	longLiteral = 5       // bits per literal, from which on a match of four bytes pays
	matchBits   = 8       // of the codes of a match, about, but for its distance's extra bits
	denseShift  = 5       // how soon the search skips bytes where nothing repeats
	maxSkip     = 1 << 4  // bytes that it skips at most
	lastPlace   = 1 << 15 // of chain
	longest     = 1 << 12 // of a match that is looked for: what repeats on goes on with the next
	leastBits   = 1       // of a literal, in any code
)

// chains are the places of a text by the hash of the first bytes there, each with the
// one before it of the same hash.
type chains struct {
	head  [1 << tableBits]int32
	chain [lastPlace]int32
	least int // bytes that are hashed, and that a match has; 0 before the first block
	cost  int // of a literal, in 1/16 bits
}

// rare tells whether text has few boundaries.
func rare(text []byte) bool {
	n, words := 0, 0
	for i := 0; i+8 <= len(text); i += sampleStep {
		n += bits.OnesCount64(boundaries(load(text, i)))
		words++
	}
	return words > 0 && n*rareFrom < words*8
}

// wordy tells whether many letters are among the literals of a block of n bytes, as in
// prose, which repeats by shorter pieces than rows do.
func (e *Encoder) wordy(n int) bool {
	letters := uint32(0)
	for b, count := range e.lit {
		if b >= 'g' && b <= 'z' || b >= 'G' && b <= 'Z' || b >= 0x80 {
			letters += count
		}
	}
	return int(letters)*wordyFrom > n
}

// literalCost is the bits of a literal under a code for text alone, times 16: at
// least those of the shortest code, so that text of one letter is worth a match.
func literalCost(text []byte) int {
	var count [256]int
	for _, b := range text {
		count[b]++
	}
	sum := 0.0
	for _, n := range count {
		if n > 0 {
			sum += float64(n) * math.Log2(float64(len(text))/float64(n))
		}
	}
	return max(16*leastBits, int(16*sum/float64(max(1, len(text)))))
}

// begin gets ready for a block.
func (c *chains) begin(text []byte) {
	c.cost = literalCost(text)
	least := 4
	if c.cost < 16*longLiteral {
		least = 6
	}
	if least == c.least {
		return
	}
	c.least = least
	for i := range c.head {
		c.head[i] = never
	}
}

func (c *chains) hash(v uint64) uint32 {
	return uint32(v << (64 - 8*c.least) * 0x9E3779B185EBCA87 >> (64 - tableBits))
}

func (c *chains) remember(text []byte, s int) {
	h := &c.head[c.hash(load(text, s))]
	c.chain[s&(lastPlace-1)] = *h
	*h = int32(s)
}

// match is one found, and how many 1/16 bits it saves.
type match struct{ length, distance, gain int }

// best is the match at s that saves most, if it saves more than least.
func (c *chains) best(text []byte, s, least int) (m match) {
	m.gain = least
	v := load(text, s)
	text = text[:min(len(text), s+longest)]
	for t, tries := int(c.head[c.hash(v)]), depth; s-t <= window && tries > 0; tries-- {
		if (load(text, t)^v)<<(64-8*c.least) == 0 && (s+m.length >= len(text) || text[t+m.length] == text[s+m.length]) {
			n := c.least + extent(text, t+c.least, s+c.least)
			if gain := n*c.cost - 16*(matchBits+bits.Len32(uint32(s-t))); n > m.length && gain > m.gain {
				m = match{n, s - t, gain}
				if n >= enough {
					break
				}
			}
		}
		next := int(c.chain[t&(lastPlace-1)])
		if next >= t {
			break
		}
		t = next
	}
	return m
}

// findDense is find for text with few boundaries.
func (e *Encoder) findDense(text []byte, at int) int {
	e.begin()
	until := min(at+blockBytes, len(text)-margin)
	c := &e.chains
	c.begin(text[at:max(at, until)])
	emit, s := at, at
	for s < until {
		m := c.best(text, s, 0)
		c.remember(text, s)
		if m.length == 0 {
			s += 1 + min((s-emit)>>denseShift, maxSkip)
			continue
		}
		for m.length < enough && s+1 < until {
			next := c.best(text, s+1, m.gain)
			if next.length == 0 {
				break
			}
			s, m = s+1, next
			c.remember(text, s)
		}
		e.add(text[emit:s], m.length, m.distance)
		emit = s + m.length
		for s++; s < min(emit, until); s++ {
			c.remember(text, s)
		}
		s = emit
	}
	return e.finish(text, at, s, emit)
}
