package logfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// Map maps the file's text from off to end. Reading it faults where the file has become
// shorter.
func (t *fileText) Map(off, end int64) (text []byte, unmap func(), ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.f == nil || off >= end {
		return nil, nil, false
	}
	from := off &^ int64(os.Getpagesize()-1)
	all, err := unix.Mmap(int(t.f.Fd()), from, int(end-from), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, false
	}
	return all[off-from:], func() { unix.Munmap(all) }, true
}
