package index

import "io"

// nearbyBytes is how much is read at a time for hits that are close together.
const nearbyBytes = 16 << 10

// nearby is a text from which hits are read in their order: those close together by one read.
// One goroutine uses it.
type nearby struct {
	text io.ReaderAt
	next int64 // where the read before ended
	off  int64 // of what is held
	held []byte
	buf  []byte
}

// nearby is the part's text for the goroutine that reads the hits.
func (p *openPart) nearby() io.ReaderAt {
	if p.near == nil {
		p.near = &nearby{text: p.text, next: -1}
	}
	return p.near
}

// ReadAt reads from what is held, or holds what comes if the read before ended not far away.
func (n *nearby) ReadAt(p []byte, off int64) (int, error) {
	end := off + int64(len(p))
	if off >= n.off && end <= n.off+int64(len(n.held)) {
		n.next = end
		return copy(p, n.held[off-n.off:]), nil
	}
	near := n.next >= 0 && off >= n.next-nearbyBytes && off < n.next+nearbyBytes
	n.next = end
	if !near || len(p) > nearbyBytes/2 {
		return n.text.ReadAt(p, off)
	}
	if n.buf == nil {
		n.buf = make([]byte, nearbyBytes)
	}
	got, err := n.text.ReadAt(n.buf, off)
	n.off, n.held = off, n.buf[:got]
	if got >= len(p) {
		return copy(p, n.held), nil
	}
	return copy(p, n.held), err
}
