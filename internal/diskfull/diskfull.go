// Package diskfull knows the errors of a disk that takes no more bytes: a full one, a
// used-up quota, a file system that became read-only.
package diskfull

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Is tells whether a write failed because the disk is full or the quota used up.
func Is(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// Folder is the folder on which an error of Is happened, as far as the error names the
// file; "" when it names none, or a device as /dev/full.
func Folder(err error) string {
	var file *fs.PathError
	var link *os.LinkError
	path := ""
	switch {
	case errors.As(err, &file):
		path = file.Path
	case errors.As(err, &link):
		path = link.New
	}
	device := strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/dev/shm/")
	if !filepath.IsAbs(path) || device {
		return ""
	}
	return filepath.Dir(path)
}

// OneDisk tells whether two folders are on one file system, so that what is removed in
// one makes room in the other. It is false when either cannot be looked at.
func OneDisk(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev
}

// Room tells whether size bytes more can be written into a folder. It leaves nothing
// there. A folder on whose file system that cannot be tried has room for what it may hold.
func Room(dir string, size int64) error {
	f, err := unnamed(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.Write(make([]byte, size))
		return err
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: f.Name(), Err: err}
	}
	return nil
}

// unnamed opens a file that has no name, or loses it at once.
func unnamed(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return f, err
	}
	if f, err = os.CreateTemp(dir, ".opsdeck-room-*"); err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}
