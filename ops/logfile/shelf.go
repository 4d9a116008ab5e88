package logfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"time"

	"opsdeck/internal/atomicfile"
	"opsdeck/internal/regular"
	"opsdeck/ops/logs"
	"opsdeck/ops/logs/index"
)

// shelfRoom is the maximum total size of kept indexes, in bytes; the least recently used
// are removed.
const shelfRoom = 512 << 20

// indexExt is the suffix of a kept index.
const indexExt = ".index"

// Shelf keeps indexes in a folder, one file per log, named by the log's identity on its
// disk: a log that is rotated by renaming keeps its index. Each file starts with a JSON
// line that describes its source.
type Shelf struct {
	dir   string
	stamp string
	room  int64
}

// NewShelf makes a shelf in a folder, which need not exist. stamp is what else an index
// depends on: the program's version, the time zone.
func NewShelf(dir, stamp string) *Shelf { return &Shelf{dir: dir, stamp: stamp, room: shelfRoom} }

// identity is the file of an index, and its state.
type identity struct {
	Stamp   string `json:"stamp"`
	Device  uint64 `json:"device"`
	Inode   uint64 `json:"inode"`
	Size    int64  `json:"size"`
	Written int64  `json:"written_ns"` // mtime
	Touched int64  `json:"touched_ns"` // ctime
	// Unpacked is the length of a compressed file's text.
	Unpacked int64 `json:"unpacked_bytes,omitempty"`
}

// identify identifies the file of a text.
func (s *Shelf) identify(text logs.Text) (id identity, ok bool) {
	info := fs.FileInfo(nil)
	unpacked := int64(0)
	switch t := text.(type) {
	case *packedText:
		info, unpacked = t.info, t.size
	case *spool:
		info, unpacked = t.of, t.Size()
	default:
		if f := fileOf(text); f != nil {
			info, _ = f.Stat()
		}
	}
	if info == nil {
		return id, false
	}
	id, ok = s.identityOf(info)
	id.Unpacked = unpacked
	return id, ok
}

func (s *Shelf) identityOf(info fs.FileInfo) (id identity, ok bool) {
	if !info.Mode().IsRegular() {
		return id, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return id, false
	}
	return identity{
		Stamp:   s.stamp,
		Device:  uint64(st.Dev),
		Inode:   st.Ino,
		Size:    info.Size(),
		Written: info.ModTime().UnixNano(),
		Touched: st.Ctim.Nano(),
	}, true
}

func (s *Shelf) path(id identity) string {
	return filepath.Join(s.dir, fmt.Sprintf("%x-%x%s", id.Device, id.Inode, indexExt))
}

// fileOf is the file behind a text, or nil.
func fileOf(text logs.Text) *os.File {
	switch t := text.(type) {
	case *fileText:
		t.mu.RLock()
		defer t.mu.RUnlock()
		return t.f
	case *liveText:
		return t.f
	case *hidden: // the whole text, once it is known to share nothing
		if t.delivered.Load() && t.from.Load() == 0 {
			return fileOf(t.Text)
		}
	case *lateText:
		if sp, _ := t.converted(); sp == nil && t.end.hole.Load() == 0 && !t.end.returns.Load() {
			return fileOf(t.Text)
		}
	}
	return nil
}

// keptFile is an index after its first line.
type keptFile struct {
	*os.File
	base, size int64
}

func (k *keptFile) Size() int64                             { return k.size }
func (k *keptFile) ReadAt(p []byte, off int64) (int, error) { return k.File.ReadAt(p, k.base+off) }

// Take returns the kept index of a file with this identity that has not become shorter
// since.
func (s *Shelf) Take(text logs.Text) (index.KeptFile, bool) {
	now, ok := s.identify(text)
	if !ok {
		return nil, false
	}
	k, was := s.open(now)
	if k == nil {
		return nil, false
	}
	// Of another text, as when a file is read unchanged that was converted before; or of one
	// that cannot have grown.
	if now.Unpacked != was.Unpacked || now.Unpacked != 0 && was != now {
		k.Close()
		return nil, false
	}
	used := time.Now()
	os.Chtimes(k.Name(), used, used) // the most recently used are kept longest; failure is harmless
	return k, was == now
}

// open opens the index of a file that has not become shorter.
func (s *Shelf) open(now identity) (*keptFile, identity) {
	kept, err := regular.Open(s.path(now))
	if err != nil {
		return nil, identity{}
	}
	k, was, err := readIdentity(kept)
	if err != nil || was.Stamp != now.Stamp || was.Device != now.Device || was.Inode != now.Inode ||
		was.Size > now.Size {
		kept.Close()
		return nil, identity{}
	}
	return k, was
}

// textSize is the length of a compressed file's text, if its index was kept and the file
// was not touched since.
func (s *Shelf) textSize(info fs.FileInfo) (int64, bool) {
	now, ok := s.identityOf(info)
	if !ok {
		return 0, false
	}
	k, was := s.open(now)
	if k == nil {
		return 0, false
	}
	defer k.Close()
	now.Unpacked = was.Unpacked
	return was.Unpacked, was == now && was.Unpacked > 0
}

func readIdentity(f *os.File) (*keptFile, identity, error) {
	var id identity
	info, err := f.Stat()
	if err != nil {
		return nil, id, err
	}
	head := make([]byte, 1<<10)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, id, err
	}
	line, _, ok := bytes.Cut(head[:n], []byte{'\n'})
	if !ok {
		return nil, id, errors.New("no identity")
	}
	base := int64(len(line)) + 1
	return &keptFile{f, base, info.Size() - base}, id, json.Unmarshal(line, &id)
}

// errNoFile: a text without a file of its own is not kept.
var errNoFile = errors.New("the text is no file")

// Put keeps an index.
func (s *Shelf) Put(text logs.Text, write func(io.Writer) error) error {
	id, ok := s.identify(text)
	if !ok {
		return errNoFile
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	out, err := atomicfile.Create(s.path(id), 0o600)
	if err != nil {
		return err
	}
	defer out.Abort()
	line, err := json.Marshal(id)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	w.Write(append(line, '\n'))
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	return s.tidy()
}

// tidy makes room, least recently used index first.
func (s *Shelf) tidy() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	var all []fs.FileInfo
	sum := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && filepath.Ext(e.Name()) == indexExt {
			all = append(all, info)
			sum += info.Size()
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ModTime().Before(all[j].ModTime()) })
	for _, info := range all {
		if sum <= s.room {
			break
		}
		if err := os.Remove(filepath.Join(s.dir, info.Name())); err != nil {
			return err
		}
		sum -= info.Size()
	}
	return nil
}
