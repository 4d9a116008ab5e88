package rowgzip

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	endOfBlock  = 256
	firstLength = 257
	numLength   = 29
	numLitLen   = firstLength + numLength
	numDist     = 30
	maxBits     = 14 // of a code: four literals fit into a word then. RFC 1951 allows 15
)

// lengthCode is the code of each match length, less firstLength; lengthBase and
// lengthExtra are the first length of each code and its extra bits.
var (
	lengthCode  [maxMatch + 1]uint8
	lengthBase  [numLength]uint16
	lengthExtra [numLength]uint8
)

func init() {
	n := uint16(3)
	for c := range lengthBase {
		if c >= 8 {
			lengthExtra[c] = uint8(c/4 - 1)
		}
		lengthBase[c] = n
		n += 1 << lengthExtra[c]
	}
	lengthBase[numLength-1], lengthExtra[numLength-1] = maxMatch, 0
	for c := range lengthBase {
		for i := range 1 << lengthExtra[c] {
			if l := int(lengthBase[c]) + i; l <= maxMatch {
				lengthCode[l] = uint8(c)
			}
		}
	}
}

// distCode is the code of a distance less one.
func distCode(d uint32) uint32 {
	if d < 4 {
		return d
	}
	n := uint32(bits.Len32(d)) - 2
	return 2*n + d>>n
}

// code is a Huffman code as it goes into the stream, its bits turned round, and
// their number in the low byte.
type code uint32

func (c code) bits() uint64 { return uint64(c >> 8) }
func (c code) size() uint   { return uint(c & 0xff) }

// with appends bits to a code.
func (c code) with(more uint32, n uint8) code {
	return (c>>8|code(more)<<c.size())<<8 | code(c.size()+uint(n))
}

// codes are those of a block.
type codes struct {
	litLenSizes [numLitLen]uint8
	distSizes   [numDist]uint8
	lit         [256]code
	end         code
	length      [maxMatch + 1]code // with its extra bits
	dist        [numDist]code
	leaves      []leaf // kept for the next
}

type leaf struct {
	count  uint32
	symbol uint16
}

// sizes finds the lengths of the codes for symbols that are there so often, none
// longer than most. At least two get one, for readers that want a whole tree.
func (c *codes) sizes(dst []uint8, counts []uint32, most int) {
	leaves := c.leaves[:0]
	for s, n := range counts {
		dst[s] = 0
		if n > 0 {
			leaves = append(leaves, leaf{n, uint16(s)})
		}
	}
	for s := 0; len(leaves) < 2; s++ {
		if counts[s] == 0 {
			leaves = append(leaves, leaf{1, uint16(s)})
		}
	}
	c.leaves = leaves
	slices.SortFunc(leaves, func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.count, b.count), cmp.Compare(a.symbol, b.symbol))
	})
	depths := depthsOf(leaves)
	limit(depths, most)
	for d := len(depths) - 1; d > 0; d-- { // the rarest lie deepest
		for _, l := range leaves[:depths[d]] {
			dst[l.symbol] = uint8(d)
		}
		leaves = leaves[depths[d]:]
	}
}

// depthsOf is how many of the leaves, sorted by count, lie at each depth of their
// Huffman tree.
func depthsOf(leaves []leaf) []int {
	n := len(leaves)
	weight := make([]uint64, n-1)
	parent := make([]int, 2*n-1) // of leaves, then of inner nodes
	l, node := 0, 0
	rarest := func(next int) (uint64, int) {
		if l < n && (node >= next || uint64(leaves[l].count) <= weight[node]) {
			l++
			return uint64(leaves[l-1].count), l - 1
		}
		node++
		return weight[node-1], n + node - 1
	}
	for next := range n - 1 {
		a, i := rarest(next)
		b, j := rarest(next)
		weight[next], parent[i], parent[j] = a+b, next, next
	}
	depth := make([]int, n-1)
	depths := make([]int, n+1)
	for k := n - 3; k >= 0; k-- {
		depth[k] = depth[parent[n+k]] + 1
	}
	for i := range n {
		depths[depth[parent[i]]+1]++
	}
	return depths
}

// limit lifts the leaves below the depth most up to it, and sinks as many others
// as it takes to make room for them.
func limit(depths []int, most int) {
	if len(depths) <= most+1 {
		return
	}
	for d := most + 1; d < len(depths); d++ {
		depths[most] += depths[d]
		depths[d] = 0
	}
	room := 1 << most // in leaves of the greatest depth; below zero there are too many
	for d := 1; d <= most; d++ {
		room -= depths[d] << (most - d)
	}
	for ; room < 0; room++ {
		d := most - 1
		for depths[d] == 0 {
			d--
		}
		depths[d]--
		depths[d+1] += 2
		depths[most]--
	}
}

// assign numbers the codes of these lengths.
func assign(sizes []uint8, to func(symbol int, c code)) {
	var count, next [16]uint32
	for _, n := range sizes {
		count[n]++
	}
	count[0] = 0
	for n := 1; n < len(next); n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	for s, n := range sizes {
		if n > 0 {
			to(s, code(bits.Reverse16(uint16(next[n]))>>(16-n))<<8|code(n))
			next[n]++
		}
	}
}
