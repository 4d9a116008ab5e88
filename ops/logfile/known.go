package logfile

import (
	"bytes"
	"io"
	"io/fs"
	"os"

	"opsdeck/internal/regular"
	"opsdeck/ops/logs"
)

const (
	footBytes = 64  // bytes at a text's end that identify it
	maxMarks  = 128 // recorded ends of a growing text
)

// known identifies a text that was delivered: its start, its length, and its end. The
// start alone is not enough: a program may start each of its logs with the same lines.
type known struct {
	head, foot []byte
	size       int64
	copied     bool // found as a generation: it may be a copy of the live file
}

// mark is the text before a size.
type mark struct {
	size int64
	foot []byte
}

// thin removes every second mark but the last.
func thin(marks []mark) []mark {
	out := marks[:0]
	for i, m := range marks {
		if i%2 == 1 || i == len(marks)-1 {
			out = append(out, m)
		}
	}
	return out
}

func (k *tracked) known() known {
	return known{head: k.head, foot: k.foot, size: k.size, copied: k.copied}
}

// knownText identifies a text of the given size.
func knownText(r io.ReaderAt, size int64) known {
	return known{head: readAt(r, 0, min(size, printBytes)), foot: readAt(r, max(0, size-footBytes), size), size: size}
}

// knownFile is knownText of a file; empty if it cannot be read.
func knownFile(path string, size int64) known {
	f, err := regular.Open(path)
	if err != nil {
		return known{}
	}
	defer f.Close()
	k := knownText(f, size)
	k.copied = true
	return k
}

func readAt(r io.ReaderAt, off, end int64) []byte {
	buf := make([]byte, max(0, end-off))
	n, _ := r.ReadAt(buf, off)
	return buf[:n]
}

// begins reports whether a text starts with the known one.
func (k known) begins(r io.ReaderAt) bool {
	return k.size > 0 && bytes.Equal(readAt(r, 0, int64(len(k.head))), k.head) &&
		bytes.Equal(readAt(r, k.size-int64(len(k.foot)), k.size), k.foot)
}

// prefix reports whether a text starts with the first n bytes of another, judged by their
// start, middle and end.
func prefix(of io.ReaderAt, n int64, r io.ReaderAt) bool {
	const piece = 4 << 10
	for _, off := range []int64{0, max(0, n/2-piece), max(0, n-piece)} {
		if !bytes.Equal(readAt(of, off, min(n, off+piece)), readAt(r, off, min(n, off+piece))) {
			return false
		}
	}
	return n > 0
}

// continues reports whether a text is a copy of this one, which has been truncated since: it
// has what was seen of it, up to the copy's length.
func (k *tracked) continues(text logs.Text) bool {
	for i := len(k.marks) - 1; i >= 0; i-- {
		if m := k.marks[i]; m.size <= text.Size() {
			return known{head: k.head[:min(int64(len(k.head)), m.size)], foot: m.foot, size: m.size}.begins(text)
		}
	}
	part := wholeLines(k.head)
	return len(part) > 0 && bytes.HasPrefix(readAt(text, 0, printBytes), part)
}

// wholeLines cuts a start after its last whole line: any text may start with a partial
// line.
func wholeLines(head []byte) []byte {
	if len(head) == printBytes {
		return head
	}
	return head[:bytes.LastIndexByte(head, '\n')+1]
}

func (t *Tail) know(k known) {
	if k.size > 0 {
		t.texts = append(t.texts, k)
	}
	if len(t.texts) > maxKnown {
		t.texts = t.texts[1:]
	}
}

// tells reports whether a text was delivered, or is being delivered from a file we hold
// open.
func (t *Tail) tells(text logs.Text) bool {
	size := text.Size()
	for _, o := range t.old {
		if info, err := o.file.Stat(); err == nil && info.Size() >= size && prefix(text, size, o.file) {
			return true
		}
	}
	for _, k := range t.texts {
		if k.size == size && k.begins(text) {
			return true
		}
	}
	return false
}

// checked is a generation that need not be checked again, in its last state.
type checked struct {
	info fs.FileInfo
	is   known // of its bytes
}

// check records that a generation need not be checked again.
func (t *Tail) check(path string, info fs.FileInfo) {
	t.checked[path] = checked{info, knownFile(path, info.Size())}
}

// same reports whether the file is the one that was checked. Its inode is not enough: the
// file system reuses the inodes of deleted files.
func (c checked) same(path string, info fs.FileInfo) bool {
	if !os.SameFile(c.info, info) || info.Size() < c.info.Size() {
		return false
	}
	if info.Size() == c.info.Size() && info.ModTime().Equal(c.info.ModTime()) {
		return true
	}
	f, err := regular.Open(path)
	if err != nil {
		return true // it cannot be read again
	}
	defer f.Close()
	return c.info.Size() > 0 && (c.is.size == 0 || c.is.begins(f))
}

// looked reports whether a generation need not be checked again, whatever its current
// name.
func (t *Tail) looked(path string, info fs.FileInfo) bool {
	if c, ok := t.checked[path]; ok && c.same(path, info) {
		return true
	}
	for _, c := range t.checked {
		if c.info.Size() == info.Size() && c.info.ModTime().Equal(info.ModTime()) && os.SameFile(c.info, info) {
			t.checked[path] = c
			return true
		}
	}
	return false
}
