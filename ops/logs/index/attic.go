package index

import (
	"slices"
	"unsafe"
)

// Attic holds bytes outside of the program's own memory, in its own byte order.
type Attic interface {
	// Put keeps bytes and returns them where they are from now on; ok is false where there is
	// no room.
	Put(data []byte) (kept []byte, ok bool)
	// Rest gives back the memory through which they were read.
	Rest()
}

// Held is how many bytes of memory the lines of a block take.
func (b *Block) Held() int64 { return int64(len(b.stow())) }

// PutAway puts the lines of a block into an attic. The block that it returns is read like this
// one.
func (b *Block) PutAway(a Attic) (away *Block, ok bool) {
	data, ok := a.Put(b.stow())
	if !ok {
		return nil, false
	}
	c := *b
	c.Starts.marks, data = taken(b.Starts.marks, data)
	c.Starts.near, data = taken(b.Starts.near, data)
	c.Starts.wide, data = taken(b.Starts.wide, data)
	c.Shapes.near, data = taken(b.Shapes.near, data)
	c.Shapes.wide, data = taken(b.Shapes.wide, data)
	c.Times.marks, data = taken(b.Times.marks, data)
	c.Times.tiny, data = taken(b.Times.tiny, data)
	c.Times.near, data = taken(b.Times.near, data)
	c.Times.wide, data = taken(b.Times.wide, data)
	c.Heads, data = taken(b.Heads, data)
	c.peaks, _ = taken(b.peaks, data)
	c.away = true
	return &c, true
}

// Growing is a copy of the block that may grow; this one stays as it is.
func (b *Block) Growing() Block {
	c := *b
	c.Heads = slices.Clone(b.Heads)
	if b.away { // it cannot be written to
		c.Times.marks = slices.Clone(b.Times.marks)
		c.away = false
	}
	return c
}

// stow is all that a block holds for its lines, one after the other.
func (b *Block) stow() (data []byte) {
	data = stowed(data, b.Starts.marks)
	data = stowed(data, b.Starts.near)
	data = stowed(data, b.Starts.wide)
	data = stowed(data, b.Shapes.near)
	data = stowed(data, b.Shapes.wide)
	data = stowed(data, b.Times.marks)
	data = stowed(data, b.Times.tiny)
	data = stowed(data, b.Times.near)
	data = stowed(data, b.Times.wide)
	data = stowed(data, b.Heads)
	return stowed(data, b.peaks)
}

// stowAlign is at which multiples of bytes a list begins.
const stowAlign = 8

// stowed appends a list of numbers.
func stowed[S ~[]T, T uint16 | uint32 | uint64 | int64](data []byte, list S) []byte {
	if len(list) == 0 {
		return data
	}
	size := len(list) * int(unsafe.Sizeof(list[0]))
	data = append(data, unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), size)...)
	for len(data)%stowAlign != 0 {
		data = append(data, 0)
	}
	return data
}

// taken is a list as it lies at the beginning of data, and what lies after it.
func taken[S ~[]T, T uint16 | uint32 | uint64 | int64](list S, data []byte) (S, []byte) {
	n := len(list)
	if n == 0 {
		return list, data
	}
	size := n * int(unsafe.Sizeof(list[0]))
	at := (*T)(unsafe.Pointer(&data[0]))
	return unsafe.Slice(at, n)[:n:n], data[(size+stowAlign-1)&^(stowAlign-1):]
}
