package logfile

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"opsdeck/ops/logs"
)

// tracked is a followed text and what identifies it.
type tracked struct {
	Track
	text    *liveText
	file    *os.File
	info    fs.FileInfo // at open time, to identify the file
	grownTo int64       // Grow was called up to here
	size    int64       // seen
	head    []byte      // the start
	foot    []byte      // the text before size
	since   time.Time
	until   time.Time // of a renamed one
	line    int64     // where the half line at the end begins
	half    []byte    // that line, unless it is long
	given   int64     // up to here it was given out

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
	grown := info.Size() > k.size
	if grown {
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
	if end > k.grownTo {
		k.line = end
	}
	if grown {
		k.keepHalf()
	}
	if end == k.grownTo && k.size > k.grownTo && now.Sub(k.since) > quietAfter {
		end = k.size
	}
	k.tell(end)
	k.settle(now)
}

// skipTo leaves out what was told from elsewhere.
func (k *tracked) skipTo(size int64) { k.grownTo, k.line = size, size }

// settle gives out half a line that did not go on for long.
func (k *tracked) settle(now time.Time) {
	if k.line == k.size || k.given == k.size || k.grownTo < k.size || now.Sub(k.since) < halfFor {
		return
	}
	if known := *k; k.Settle(known.same) {
		k.given = k.size
	}
}

// keepHalf keeps the half line at the end, for the file may be truncated before its rest comes.
func (k *tracked) keepHalf() {
	k.half = nil
	if k.line == k.size || k.size-k.line > maxHalf {
		return
	}
	if half := k.read(k.line, k.size); k.same() {
		k.half = half
	}
}

// lose gives up a text that is gone, but for the half line at its end.
func (k *tracked) lose() {
	k.text.cut(k.line, k.half)
	if len(k.half) > 0 && k.grownTo >= k.line {
		k.Grow(k.size, always)
	}
	k.Lost()
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

// maxHalf bounds the half line that is kept of a text, in bytes.
const maxHalf = 1 << 20

// liveText is an open file that grows.
type liveText struct {
	f    *os.File
	left atomic.Pointer[leftHalf] // once the file was truncated
}

// leftHalf is the half line at the end of a text that is gone.
type leftHalf struct {
	at   int64
	text []byte
}

// cut leaves only the half line that began at at: what the file has now is another text.
func (l *liveText) cut(at int64, half []byte) { l.left.Store(&leftHalf{at, half}) }

func (l *liveText) ReadAt(p []byte, off int64) (int, error) {
	left := l.left.Load()
	if left == nil {
		return l.f.ReadAt(p, off)
	}
	if off < left.at || off-left.at >= int64(len(left.text)) {
		return 0, io.EOF
	}
	n := copy(p, left.text[off-left.at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
func (l *liveText) Written() time.Time {
	info, err := l.f.Stat()
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
func (l *liveText) Close() error { return l.f.Close() }
func (l *liveText) Size() int64 {
	if left := l.left.Load(); left != nil {
		return left.at + int64(len(left.text))
	}
	info, err := l.f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
