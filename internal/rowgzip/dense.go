package rowgzip

import (
	"math"
	"math/bits"
)

// Text with few boundaries, as BLOBs in hex and base64, repeats from any place of it
// on. Blocks of such text are searched as zlib does it: each place is remembered,
// several earlier ones are looked at, and a match gives way to a better one that
// begins a byte later. Unlike there a match must be shorter than its literals: four
// digits of hex are, far back, longer as a match.
const (
	shortest   = 4
	depth      = 16      // earlier places looked at
	enough     = 48      // a match of this length is taken as it is
	rareFrom   = 24      // bytes to a boundary, on average, from which on text is dense
	sampleStep = 8 * 8   // one word of so many bytes is looked at
	matchBits  = 8       // of the codes of a match, about, but for its distance's extra bits
	hasteShift = 5       // how soon the steps grow where nothing repeats
	hasteMost  = 1 << 4  // and how far
	lastPlace  = 1 << 15 // of chain
)

// chains are the places of a text by the hash of the four bytes there, each with the
// one before it of the same hash.
type chains struct {
	head  [1 << tableBits]int32
	chain [lastPlace]int32
	cost  int // of a literal, in 1/16 bits
	used  bool
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

// literalCost is the bits of a literal under a code for text alone, times 16.
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
	return int(16 * sum / float64(max(1, len(text))))
}

func (c *chains) begin(text []byte) {
	if !c.used {
		c.used = true
		for i := range c.head {
			c.head[i] = never
		}
	}
	c.cost = literalCost(text)
}

func (c *chains) remember(text []byte, s int) {
	h := &c.head[hashShort(load(text, s))]
	c.chain[s&(lastPlace-1)] = *h
	*h = int32(s)
}

func hashShort(v uint64) uint32 { return uint32(v) * 2654435761 >> (32 - tableBits) }

// match is one found, and how many 1/16 bits it saves.
type match struct{ length, distance, gain int }

// best is the match at s that saves most, if it saves more than least.
func (c *chains) best(text []byte, s, least int) (m match) {
	m.gain = least
	v := load(text, s)
	for t, tries := int(c.head[hashShort(v)]), depth; s-t <= window && tries > 0; tries-- {
		if uint32(load(text, t)) == uint32(v) && (s+m.length >= len(text) || text[t+m.length] == text[s+m.length]) {
			n := shortest + extent(text, t+shortest, s+shortest)
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
			s += 1 + min((s-emit)>>hasteShift, hasteMost)
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
