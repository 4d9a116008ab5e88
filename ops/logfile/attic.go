package logfile

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Attic keeps what is seldom read in an unnamed temporary file, which is mapped: what is read
// of it takes memory only for a while, which the system can take back. It stays until the
// process ends, for whoever still reads it.
type Attic struct {
	dir string

	mu      sync.Mutex
	f       *os.File
	size    int64
	windows [][]byte // of the file, one after the other
	used    int      // of the last one
	full    bool
}

// How large an attic gets, and how much of it is mapped at once.
const (
	atticRoom   = 1 << 30
	atticWindow = 16 << 20
)

// Attic makes one beside the kept indexes.
func (s *Shelf) Attic() *Attic { return &Attic{dir: s.dir} }

// Put keeps bytes; it does not where the disk is full.
func (a *Attic) Put(data []byte) (kept []byte, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.full || len(data) == 0 || !a.room(len(data)) {
		a.full = true
		return nil, false
	}
	window := a.windows[len(a.windows)-1]
	if _, err := a.f.WriteAt(data, a.size-int64(len(window)-a.used)); err != nil {
		a.full = true
		return nil, false
	}
	kept = window[a.used : a.used+len(data) : a.used+len(data)]
	a.used += (len(data) + 7) &^ 7
	return kept, true
}

// room makes room for so many bytes in the last window.
func (a *Attic) room(n int) bool {
	if k := len(a.windows); k > 0 && len(a.windows[k-1])-a.used >= n {
		return true
	}
	if a.f == nil {
		f, err := atticFile(a.dir)
		if err != nil {
			return false
		}
		a.f = f
	}
	page := os.Getpagesize()
	size := max(atticWindow, (n+page-1)/page*page)
	if a.size+int64(size) > atticRoom || a.f.Truncate(a.size+int64(size)) != nil {
		return false
	}
	window, err := unix.Mmap(int(a.f.Fd()), a.size, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return false
	}
	a.size += int64(size)
	a.windows = append(a.windows, window)
	a.used = 0
	return true
}

func atticFile(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "lines-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// Rest gives back the memory through which the file was read.
func (a *Attic) Rest() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.windows {
		unix.Madvise(w, unix.MADV_DONTNEED)
	}
}
