package logfile

import (
	"bufio"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"opsdeck/internal/lang"
	"opsdeck/internal/regular"
	"opsdeck/internal/unpack"
	"opsdeck/ops"
	"opsdeck/ops/logs"
)

// File is one file as a part of a source.
type File struct {
	path  string
	shelf *Shelf // for the kept indexes, or nil
	whole bool   // all of it is looked at for its encoding
}

// NewFile makes a part from a file, which need not exist yet.
func NewFile(path string) *File { return &File{path: path} }

// Name is the file's path.
func (f *File) Name() string { return f.path }

// Open opens the file. A file that is compressed, wrapped by Docker or not UTF-8 is
// unpacked into an unnamed temporary file; for a damaged file, the readable part is
// returned with an error. If the index of its text is kept, the file is unpacked only when
// it is read.
func (f *File) Open(ctx context.Context) (logs.Text, error) {
	file, open, size, err := opened(f.path)
	if err != nil {
		return nil, err
	}
	if hole := holeEnd(file, size); open == nil && !f.converted(ctx, file, hole, size) {
		text := logs.Text(newFileText(file, size))
		if hole > 0 {
			text = &afterHole{text, hole}
			if binary(headBytes(text)) {
				text.Close()
				return nil, damaged(f.path, errNoText)
			}
		}
		if endsWithReturns(headBytes(text)) {
			text = &returnLines{text}
		}
		return text, nil
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil {
		if text := f.kept(info); text != nil {
			return text, nil
		}
	}
	return unpackFile(ctx, file, open)
}

// converted tells whether a file that is not compressed has lines that must be converted
// before they are read.
func (f *File) converted(ctx context.Context, file *os.File, hole, size int64) bool {
	if reader(headAt(file, hole), io.Discard) != nil || sampledChinese(file, hole, size) {
		return true
	}
	return f.whole && chineseWithin(ctx, file, hole, size)
}

// unpack unpacks the file now.
func (f *File) unpack(ctx context.Context) (logs.Text, error) {
	file, open, _, err := opened(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return unpackFile(ctx, file, open)
}

// unpackFile returns the text of a file that is compressed or wrapped by Docker.
func unpackFile(ctx context.Context, file *os.File, open func(io.Reader) (io.Reader, error)) (logs.Text, error) {
	r := io.Reader(file)
	if info, err := file.Stat(); err == nil && open == nil {
		hole := holeEnd(file, info.Size())
		r = io.NewSectionReader(file, hole, math.MaxInt64-hole)
	} else if open != nil {
		if r, err = open(file); err != nil {
			return nil, damaged(file.Name(), err)
		}
	}
	text, err := spoolFrom(ctx, file.Name(), r)
	if sp, ok := text.(*spool); ok && err == nil {
		sp.of, _ = file.Stat()
	}
	return text, err
}

// opened opens a file and returns the function that converts it to text, if needed.
func opened(path string) (file *os.File, open func(io.Reader) (io.Reader, error), size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, 0, readError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, 0, notRegular(path, info.Mode())
	}
	if file, err = regular.Open(path); err != nil {
		return nil, nil, 0, readError(path, err)
	}
	return file, unpacker(path, headBytes(file)), info.Size(), nil
}

// headSize is how much of a text's start identifies its format.
const headSize = 8 << 10

// headBytes is the start of a text, which identifies its format.
func headBytes(r io.ReaderAt) []byte { return headAt(r, 0) }

func headAt(r io.ReaderAt, off int64) []byte {
	head := make([]byte, headSize)
	n, _ := r.ReadAt(head, off)
	return head[:n]
}

// spoolFrom reads the logged lines into a spool.
func spoolFrom(ctx context.Context, name string, r io.Reader) (logs.Text, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, _ := in.Peek(headSize)
	if binary(head) {
		return nil, damaged(name, errNoText)
	}
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	w := lineConverter(head, s)
	err = s.fill(ctx, name, w, in)
	if err2 := w.Close(); err == nil {
		err = err2
	}
	return s.or(ctx, err)
}

// spoolPlain reads text into a spool unchanged.
func spoolPlain(ctx context.Context, name string, r io.Reader) (logs.Text, error) {
	s, err := newSpool()
	if err != nil {
		return nil, err
	}
	return s.or(ctx, s.fill(ctx, name, s, r))
}

func (s *spool) fill(ctx context.Context, name string, w io.Writer, r io.Reader) error {
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, contextReader{ctx, r}, make([]byte, 256<<10)); err != nil {
		return damaged(name, err)
	}
	return nil
}

// or returns the spool with an error, unless the error is a cancellation.
func (s *spool) or(ctx context.Context, err error) (logs.Text, error) {
	if err != nil && ctx.Err() != nil {
		s.Close()
		return nil, ctx.Err()
	}
	return s, err
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func readError(path string, err error) error {
	e := ops.Wrap(err, ops.Failed, lang.M("%s cannot be read", path))
	switch {
	case os.IsNotExist(err):
		return e.WithHint(
			lang.M("is the path right? `opsdeck logs --source FILE` takes files, globs and - for standard input"),
		)
	case os.IsPermission(err):
		return e.WithHint(lang.M("read it as the user that the service runs as, or as root"))
	}
	return e
}

func damaged(path string, err error) error {
	var format *unpack.FormatError
	switch {
	case errors.As(err, &format):
		return ops.Wrap(err, ops.Failed, lang.M("%s was not read", path))
	case errors.Is(err, unpack.ErrSeveral):
		return ops.E(ops.Failed, lang.M("%s contains several files; only the first is read", path)).
			WithHint(lang.M("unpack it and read the files: opsdeck logs --source FOLDER/*"))
	}
	return ops.Wrap(err, ops.Failed, lang.M("%s is damaged; showing what could be read", path))
}

func notRegular(path string, mode fs.FileMode) error {
	what := lang.M("a device")
	switch {
	case mode.IsDir():
		what = lang.M("a folder")
	case mode&fs.ModeSocket != 0:
		what = lang.M("a socket")
	case mode&fs.ModeNamedPipe != 0:
		what = lang.M("a pipe")
	}
	e := ops.E(ops.Failed, lang.M("%s is %s, not a file", path, what))
	if mode.IsDir() {
		e.WithHint(lang.M("for the files in it: %s", strings.TrimSuffix(path, "/")+"/*.log"))
	} else if mode&fs.ModeNamedPipe != 0 {
		e.WithHint(lang.M("read a pipe: opsdeck logs --source - < %s", path))
	}
	return e
}

// maxOpen is the number of files held open at once; beyond it, the least recently read are
// closed and reopened when needed.
const maxOpen = 400

var held = struct {
	sync.Mutex
	lru *list.List
}{lru: list.New()}

// fileText is the text of a file.
type fileText struct {
	mu   sync.RWMutex
	f    *os.File // nil while it is closed to make room
	path string
	same fs.FileInfo
	size int64
	elem *list.Element
}

func newFileText(f *os.File, size int64) *fileText {
	info, _ := f.Stat()
	t := &fileText{f: f, path: f.Name(), same: info, size: size}
	held.Lock()
	t.elem = held.lru.PushFront(t)
	var old *fileText
	if held.lru.Len() > maxOpen {
		e := held.lru.Back()
		old = e.Value.(*fileText)
		held.lru.Remove(e)
	}
	held.Unlock()
	if old != nil {
		old.drop()
	}
	return t
}

// drop closes the file to make room for another.
func (t *fileText) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.f != nil {
		t.f.Close()
		t.f = nil
	}
}

// Size is the file's current length, or its last known one.
func (t *fileText) Size() int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.f != nil {
		if info, err := t.f.Stat(); err == nil {
			return info.Size()
		}
	}
	return t.size
}

// Written is the file's modification time.
func (t *fileText) Written() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.f != nil {
		if info, err := t.f.Stat(); err == nil {
			return info.ModTime()
		}
	}
	return writtenAt(t.same)
}

// writtenAt is a file's modification time; zero if unknown.
func writtenAt(info fs.FileInfo) time.Time {
	if info == nil {
		return time.Time{}
	}
	return info.ModTime()
}

// ReadAt reads with pread, not mmap: if the file is truncated meanwhile, the result is a
// short read, not a crash.
func (t *fileText) ReadAt(p []byte, off int64) (int, error) {
	t.mu.RLock()
	if t.f != nil {
		defer t.mu.RUnlock()
		return t.f.ReadAt(p, off)
	}
	t.mu.RUnlock()
	return t.readClosed(p, off)
}

func (t *fileText) readClosed(p []byte, off int64) (int, error) {
	f, err := regular.Open(t.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !os.SameFile(info, t.same) {
		return 0, fmt.Errorf("%s is now a different file", t.path)
	}
	return f.ReadAt(p, off)
}

func (t *fileText) Close() error {
	held.Lock()
	held.lru.Remove(t.elem)
	held.Unlock()
	t.drop()
	return nil
}

// errOlder reports that older rotated files were not unpacked.
func errOlder(n int) error {
	return ops.E(ops.Failed, lang.M("%d older files stay compressed; `opsdeck logs` searches them too", n))
}
