package logfile

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"time"
)

// tracked is a text being followed and what it is known by.
type tracked struct {
	Track
	file  *os.File
	info  fs.FileInfo // when it was opened, for which file it is
	told  int64       // Grow was called up to here
	size  int64       // seen
	head  []byte      // the beginning
	foot  []byte      // what lies before size
	since time.Time
	until time.Time // of a renamed one
}

// moveTo goes on with the text in its copy.
func (k *tracked) moveTo(path string) bool {
	text, _ := openPlain(context.Background(), path)
	if text == nil {
		return false
	}
	k.Swap(text)
	if size := text.Size(); size > k.told {
		k.Grow(size, always)
	}
	k.End()
	return true
}

func always() bool { return true }

// began tells whether a text that begins with head is this one.
func (k *tracked) began(head []byte) bool {
	mine := wholeLines(k.head)
	return len(mine) > 0 && bytes.HasPrefix(head, mine)
}

// take looks how far the text has grown.
func (k *tracked) take(now time.Time) {
	info, err := k.file.Stat()
	if err != nil || info.Size() < k.size {
		return
	}
	if grown := info.Size() > k.size; grown {
		before := *k
		k.size, k.since = info.Size(), now
		k.remember()
		if !before.same() || !k.same() { // truncated this very moment
			k.size, k.head, k.foot, k.since = before.size, before.head, before.foot, before.since
			return
		}
	}
	end := k.lastBreak()
	if end == k.told && k.size > k.told && now.Sub(k.since) > quietAfter {
		end = k.size
	}
	k.tell(end)
}

// tell tells the sink of the text up to end.
func (k *tracked) tell(end int64) {
	known := *k
	if end > k.told && k.Grow(end, known.same) {
		k.told = end
	}
}

// remember keeps what the text is known by.
func (k *tracked) remember() {
	if len(k.head) < printBytes && int64(len(k.head)) < k.size {
		k.head = k.read(0, min(printBytes, k.size))
	}
	k.foot = k.read(max(0, k.size-64), k.size)
}

func (k *tracked) read(off, end int64) []byte {
	buf := make([]byte, end-off)
	n, _ := k.file.ReadAt(buf, off)
	return buf[:n]
}

// same tells that the file still holds what was seen of it: it may have been
// truncated and have grown again past where it was.
func (k *tracked) same() bool {
	info, err := k.file.Stat()
	if err != nil {
		return true
	}
	if info.Size() < k.size {
		return false
	}
	off := max(0, k.size-64)
	return bytes.Equal(k.read(off, k.size), k.foot) && bytes.Equal(k.read(0, int64(len(k.head))), k.head)
}

// headOf is how a file's text begins; nothing when it cannot be read.
func headOf(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var r io.Reader = f
	first := make([]byte, 4<<10)
	n, _ := f.ReadAt(first, 0)
	if open := unpacker(path, first[:n]); open != nil {
		if r, err = open(f); err != nil {
			return nil
		}
	}
	buf := make([]byte, printBytes)
	n, _ = io.ReadFull(r, buf)
	return buf[:n]
}

// lastBreak is the end of the last whole line.
func (k *tracked) lastBreak() int64 {
	const step = 64 << 10
	for end := k.size; end > k.told; end -= step {
		off := max(k.told, end-step)
		if i := bytes.LastIndexByte(k.read(off, end), '\n'); i >= 0 {
			return off + int64(i) + 1
		}
	}
	return k.told
}

// finish ends a text that was renamed long enough ago.
func (k *tracked) finish() {
	k.tell(k.size)
	k.End()
}

// liveText is an open file that grows.
type liveText struct{ f *os.File }

func (l *liveText) ReadAt(p []byte, off int64) (int, error) { return l.f.ReadAt(p, off) }
func (l *liveText) Close() error                            { return l.f.Close() }
func (l *liveText) Size() int64 {
	info, err := l.f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
