package logfile

import (
	"bytes"
	"io/fs"
	"os"
	"time"

	"opsdeck/ops/logs"
)

// tracked is a followed text and what identifies it.
type tracked struct {
	Track
	file    *os.File
	info    fs.FileInfo // at open time, to identify the file
	grownTo int64       // Grow was called up to here
	size    int64       // seen
	head    []byte      // the start
	foot    []byte      // the text before size
	since   time.Time
	until   time.Time // of a renamed one

	copied bool   // found as a generation: it may be a copy of the live file
	marks  []mark // intermediate sizes
}

// moveTo continues with the text in its copy.
func (k *tracked) moveTo(text logs.Text) bool {
	size := text.Size()
	is := knownText(text, size)
	k.Swap(text)
	if size > k.grownTo {
		k.Grow(size, always)
	}
	k.End()
	k.head = is.head
	k.foot = is.foot
	k.size = is.size
	return true
}

func always() bool { return true }

// take checks how far the text has grown.
func (k *tracked) take(now time.Time) {
	info, err := k.file.Stat()
	if err != nil || info.Size() < k.size {
		return
	}
	if grown := info.Size() > k.size; grown {
		before := *k
		k.size = info.Size()
		k.since = now
		k.remember()
		if !before.same() || !k.same() { // truncated at this very moment
			k.size = before.size
			k.head = before.head
			k.foot = before.foot
			k.since = before.since
			return
		}
	}
	end := k.lastBreak()
	if end == k.grownTo && k.size > k.grownTo && now.Sub(k.since) > quietAfter {
		end = k.size
	}
	k.tell(end)
}

// tell reports the text up to end to the sink.
func (k *tracked) tell(end int64) {
	known := *k
	if end > k.grownTo && k.Grow(end, known.same) {
		k.grownTo = end
	}
}

// remember stores what identifies the text.
func (k *tracked) remember() {
	if len(k.head) < printBytes && int64(len(k.head)) < k.size {
		k.head = k.read(0, min(printBytes, k.size))
	}
	k.foot = k.read(max(0, k.size-footBytes), k.size)
	if k.marks = append(k.marks, mark{k.size, k.foot}); len(k.marks) > maxMarks {
		k.marks = thin(k.marks)
	}
}

func (k *tracked) read(off, end int64) []byte {
	buf := make([]byte, end-off)
	n, _ := k.file.ReadAt(buf, off)
	return buf[:n]
}

// same reports whether the file still has what was seen of it: it may have been truncated
// and have grown again past its previous size.
func (k *tracked) same() bool {
	info, err := k.file.Stat()
	if err != nil {
		return true
	}
	if info.Size() < k.size {
		return false
	}
	off := max(0, k.size-footBytes)
	return bytes.Equal(k.read(off, k.size), k.foot) && bytes.Equal(k.read(0, int64(len(k.head))), k.head)
}

// lastBreak is the end of the last whole line.
func (k *tracked) lastBreak() int64 {
	if end := k.lastByte('\n'); end > k.grownTo || k.grownTo == k.size || !endsWithReturns(headBytes(k.file)) {
		return end
	}
	return k.lastByte('\r')
}

// lastByte is the end of the last line that ends with a byte.
func (k *tracked) lastByte(c byte) int64 {
	const step = 64 << 10
	for end := k.size; end > k.grownTo; end -= step {
		off := max(k.grownTo, end-step)
		if i := bytes.LastIndexByte(k.read(off, end), c); i >= 0 {
			return off + int64(i) + 1
		}
	}
	return k.grownTo
}

// finish ends a text that was renamed long enough ago.
func (k *tracked) finish() {
	k.tell(k.size)
	k.End()
}

// liveText is an open file that grows.
type liveText struct{ f *os.File }

func (l *liveText) ReadAt(p []byte, off int64) (int, error) { return l.f.ReadAt(p, off) }
func (l *liveText) Written() time.Time {
	info, err := l.f.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
func (l *liveText) Close() error { return l.f.Close() }
func (l *liveText) Size() int64 {
	info, err := l.f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
