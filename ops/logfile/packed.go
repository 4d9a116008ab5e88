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

// packedText is the text of a compressed or wrapped file. It is unpacked when it is first
// read: for a compressed file with a kept index, that may be never. Texts that were not
// read recently give their space to others.
type packedText struct {
	path string
	info fs.FileInfo // of the packed file
	size int64       // of the text
	make func(context.Context) (logs.Text, error)
	same func(fs.FileInfo) bool // whether a file still has this text

	mu   sync.RWMutex
	sp   *spool // nil while it is packed
	used atomic.Int64
}

// unpackRoom is the total size of unpacked texts of files that can be unpacked again.
const unpackRoom = unpackLimit

var unpacked = struct {
	sync.Mutex
	clock atomic.Int64
	texts map[*packedText]int64 // with their size
}{texts: map[*packedText]int64{}}

// Size is the length of the text, known without unpacking.
func (p *packedText) Size() int64 { return p.size }

// Written is the packed file's modification time.
func (p *packedText) Written() time.Time { return writtenAt(p.info) }

// Packed tells whether reading would unpack the text first.
func (p *packedText) Packed() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.sp == nil
}

// ReadAt reads, and unpacks if needed.
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

// unpack unpacks the text again; its length must be the same as before.
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

// makeRoom drops the least recently read texts, but never this one.
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

// Close releases the space.
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

// kept is the file's text without unpacking it, if its index is on the shelf.
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

// packedError says that a file which begins with head is not followed; nil for text.
func packedError(path string, head []byte) error {
	if unpacker(path, head) == nil {
		return nil
	}
	return NotFollowed(path)
}

// NotFollowed says that a file which is packed or not text is not followed.
func NotFollowed(path string) error {
	return ops.E(ops.Failed, lang.M("%s is packed or not text: it is not followed", path))
}

// packedFile reports whether there is a file that is packed or not text.
func packedFile(path string) bool {
	file, open, _, err := opened(path)
	if err != nil {
		return false
	}
	file.Close()
	return open != nil
}

// Grows reports whether a source can grow: an archive, and a file that is packed itself,
// cannot.
func Grows(ctx context.Context, src logs.Source) bool {
	switch p := src.Parts[len(src.Parts)-1].(type) {
	case *member:
		return false
	case *File:
		return !archiveName.MatchString(p.path) && (p.path != src.Name || !packedFile(p.path))
	case *remoteFile:
		return false
	case *remoteTail:
		return !p.packed(ctx)
	}
	return true
}
