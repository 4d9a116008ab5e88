package rowgzip

import "slices"

// write appends a block: its sequences under codes of their own, or the text as
// it is where that is shorter.
func (e *Encoder) write(w *bitWriter, text []byte, last bool) {
	p, size := e.build()
	if size/8 >= len(text) {
		w.stored(text, last)
		return
	}
	w.start(dynamic, last)
	p.write(w)
	w.out = slices.Grow(w.out, size/8+16)
	e.pack(w, text)
	w.put(e.codes.end.bits(), e.codes.end.size())
}

// pack appends the sequences. The output has room for them.
func (e *Encoder) pack(w *bitWriter, text []byte) {
	c := &e.codes
	b := stream{out: w.out[:cap(w.out)], at: len(w.out), bits: w.bits, n: w.n}
	for _, q := range e.seqs {
		literals := text[:q.literals()]
		text = text[len(literals)+q.length():]
		for ; len(literals) >= 4; literals = literals[4:] {
			b.put(c.lit[literals[0]])
			b.put(c.lit[literals[1]])
			b.put(c.lit[literals[2]])
			b.put(c.lit[literals[3]])
			b.flush()
		}
		for _, l := range literals {
			b.put(c.lit[l])
		}
		b.flush()
		if q.length() == 0 {
			continue
		}
		b.put(c.length[q.length()])
		d := q.distance()
		k := distCode(d)
		b.put(c.dist[k])
		if k >= 4 {
			n := k/2 - 1
			b.put(code(d&(1<<n-1))<<8 | code(n))
		}
		b.flush()
	}
	w.out = b.out[:b.at]
	w.bits = b.bits
	w.n = b.n
}

// build makes the block's codes and what tells a reader of them. size is the
// block's, in bits.
func (e *Encoder) build() (p preface, size int) {
	var counts [numLitLen]uint32
	copy(counts[:], e.lit[:])
	counts[endOfBlock] = 1
	copy(counts[firstLength:], e.length[:])
	c := &e.codes
	c.sizes(c.litLenSizes[:], counts[:], maxBits)
	c.sizes(c.distSizes[:], e.dist[:], maxBits)
	for s, n := range counts {
		size += int(n) * int(c.litLenSizes[s])
	}
	for s, n := range e.length {
		size += int(n) * int(lengthExtra[s])
	}
	for s, n := range e.dist {
		size += int(n) * (int(c.distSizes[s]) + max(0, s/2-1))
	}
	assign(c.litLenSizes[:], c.setLitLen)
	assign(c.distSizes[:], func(s int, k code) { c.dist[s] = k })
	p = c.preface()
	return p, size + p.size
}

func (c *codes) setLitLen(s int, k code) {
	switch {
	case s < endOfBlock:
		c.lit[s] = k
	case s == endOfBlock:
		c.end = k
	default:
		i := s - firstLength
		for extra := range uint32(1) << lengthExtra[i] {
			if n := int(lengthBase[i]) + int(extra); n <= maxMatch && int(lengthCode[n]) == i {
				c.length[n] = k.with(extra, lengthExtra[i])
			}
		}
	}
}
