package logfile

import (
	"context"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/logs"
)

// packedText is a text that is made of a file's, packed or wrapped. It is made when it
// is first read: of a packed file whose index was kept that may be never. The texts
// that were not read lately give their room to others.
type packedText struct {
	path string
	info fs.FileInfo // of the packed file
	size int64       // of the text
	make func(context.Context) (logs.Text, error)
	same func(fs.FileInfo) bool // whether a file is still what the text is of

	mu   sync.RWMutex
	sp   *spool // nil while it is packed
	used atomic.Int64
}

// unpackRoom is how much text is held unpacked for files that can be unpacked
// again.
const unpackRoom = unpackLimit

var unpacked = struct {
	sync.Mutex
	clock atomic.Int64
	texts map[*packedText]int64 // by their size
}{texts: map[*packedText]int64{}}

// Size is the length of the text, which is known without it.
func (p *packedText) Size() int64 { return p.size }

// Written is when the packed file was last written to.
func (p *packedText) Written() time.Time { return writtenAt(p.info) }

// ReadAt reads, and unpacks when needed.
func (p *packedText) ReadAt(b []byte, off int64) (int, error) {
	p.used.Store(unpacked.clock.Add(1))
	for {
		p.mu.RLock()
		if p.sp != nil {
			defer p.mu.RUnlock()
			return p.sp.ReadAt(b, off)
		}
		p.mu.RUnlock()
		if err := p.unpack(); err != nil {
			return 0, err
		}
	}
}

// unpack makes the text again, which must be as long as it was.
func (p *packedText) unpack() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sp != nil {
		return nil
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return readError(p.path, err)
	}
	if !os.SameFile(info, p.info) || !p.same(info) {
		return ops.E(ops.Failed, lang.M("%s is now a different file", p.path))
	}
	text, err := p.make(context.Background())
	if err != nil {
		return err
	}
	sp, ok := text.(*spool)
	if !ok || sp.Size() != p.size {
		text.Close()
		return ops.E(ops.Failed, lang.M("%s is now a different file", p.path))
	}
	p.sp = sp
	go p.makeRoom() // it takes other texts' locks
	return nil
}

// makeRoom packs the texts read the longest time ago, but never this one.
func (p *packedText) makeRoom() {
	unpacked.Lock()
	unpacked.texts[p] = p.size
	var sum int64
	for _, n := range unpacked.texts {
		sum += n
	}
	var drop []*packedText
	for sum > unpackRoom && len(unpacked.texts) > 1 {
		var oldest *packedText
		for t := range unpacked.texts {
			if t != p && (oldest == nil || t.used.Load() < oldest.used.Load()) {
				oldest = t
			}
		}
		sum -= unpacked.texts[oldest]
		delete(unpacked.texts, oldest)
		drop = append(drop, oldest)
	}
	unpacked.Unlock()
	for _, t := range drop {
		t.Close()
	}
}

// Close gives the room back.
func (p *packedText) Close() error {
	unpacked.Lock()
	delete(unpacked.texts, p)
	unpacked.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sp == nil {
		return nil
	}
	err := p.sp.Close()
	p.sp = nil
	return err
}

// kept is the file's text without unpacking it, when its index is on the shelf.
func (f *File) kept(info fs.FileInfo) logs.Text {
	if f.shelf == nil {
		return nil
	}
	size, ok := f.shelf.textSize(info)
	if !ok {
		return nil
	}
	return &packedText{path: f.path, info: info, size: size, make: f.unpack,
		same: func(now fs.FileInfo) bool { return now.Size() == info.Size() && now.ModTime().Equal(info.ModTime()) }}
}
