package rowgzip

// preface is what stands before a block's data: the sizes of its codes, run by
// run, in codes of their own (RFC 1951, 3.2.7).
type preface struct {
	litLens, dists int
	runs           []run
	sizes          [19]uint8
	codes          [19]code
	used           int // of order
	size           int // bits
}

// run is a symbol of the preface and its extra bits.
type run struct {
	symbol, extra uint8
}

var extraBits = [19]uint8{16: 2, 17: 3, 18: 7}

// order in which the sizes of the preface's own codes are written.
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (c *codes) preface() preface {
	p := preface{litLens: trimmed(c.litLenSizes[:], firstLength), dists: trimmed(c.distSizes[:], 1)}
	all := append(append(make([]uint8, 0, numLitLen+numDist), c.litLenSizes[:p.litLens]...), c.distSizes[:p.dists]...)
	p.runs = runsOf(all)
	var counts [19]uint32
	for _, r := range p.runs {
		counts[r.symbol]++
	}
	c.sizes(p.sizes[:], counts[:], 7)
	assign(p.sizes[:], func(s int, k code) { p.codes[s] = k })
	p.used = len(order)
	for p.used > 4 && p.sizes[order[p.used-1]] == 0 {
		p.used--
	}
	p.size = 3 + 5 + 5 + 4 + 3*p.used
	for s, n := range counts {
		p.size += int(n) * int(p.sizes[s]+extraBits[s])
	}
	return p
}

// trimmed is how many there are up to the last that is not 0.
func trimmed(sizes []uint8, least int) int {
	n := len(sizes)
	for n > least && sizes[n-1] == 0 {
		n--
	}
	return n
}

// runsOf writes sizes as runs: 16 repeats the one before 3 to 6 times, 17 and
// 18 are 3 to 10 and 11 to 138 zeros.
func runsOf(sizes []uint8) (runs []run) {
	for i := 0; i < len(sizes); {
		n := 1
		for i+n < len(sizes) && sizes[i+n] == sizes[i] {
			n++
		}
		v := sizes[i]
		i += n
		if v != 0 {
			runs = append(runs, run{v, 0})
			n--
		}
		for n > 0 {
			switch {
			case n < 3:
				runs = append(runs, run{v, 0})
				n--
			case v != 0:
				k := min(n, 6)
				runs = append(runs, run{16, uint8(k - 3)})
				n = n - k
			case n <= 10:
				runs = append(runs, run{17, uint8(n - 3)})
				n = 0
			default:
				k := min(n, 138)
				runs = append(runs, run{18, uint8(k - 11)})
				n = n - k
			}
		}
	}
	return runs
}

func (p *preface) write(w *bitWriter) {
	w.put(uint64(p.litLens-firstLength)|uint64(p.dists-1)<<5|uint64(p.used-4)<<10, 14)
	for _, s := range order[:p.used] {
		w.put(uint64(p.sizes[s]), 3)
	}
	for _, r := range p.runs {
		k := p.codes[r.symbol]
		w.put(k.bits()|uint64(r.extra)<<k.size(), k.size()+uint(extraBits[r.symbol]))
	}
}
