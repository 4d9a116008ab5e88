// Package atomicfile writes files that are either whole or absent: to NAME.tmp,
// fsync, rename, fsync of the folder. A crash leaves at most the .tmp.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"opsdeck/internal/trust"
)

// Suffix is what an unfinished file's name ends with.
const Suffix = ".tmp"

// File is a file being written. Exactly one of Commit and Abort ends it; Abort
// after Commit does nothing, so that it can be deferred.
type File struct {
	*os.File
	path string
	done bool
}

// Create opens path.tmp for writing with the given mode, whatever the umask.
// An old path.tmp is a leftover of a crash and is written over.
func Create(path string, perm fs.FileMode) (*File, error) {
	f, err := open(path, perm)
	if err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(perm); err != nil {
		f.Close()
		os.Remove(path + Suffix)
		return nil, err
	}
	return &File{File: f, path: path}, nil
}

func open(path string, perm fs.FileMode) (*os.File, error) {
	if f, ok := reserved.LoadAndDelete(path); ok {
		return f.(*os.File), nil
	}
	return trust.Open(path+Suffix, os.O_RDWR|os.O_CREATE, perm)
}

// reserved are the files that Reserve made and Create has not taken over, by path.
var reserved sync.Map

// Reserve makes path.tmp for a later Create, and fails with fs.ErrExist when it is
// there. Until the file has its name, or the process ends, it is locked: so others
// know that it is in work.
func Reserve(path string, perm fs.FileMode) error {
	f, err := os.OpenFile(path+Suffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	// A file system without locks does not matter here.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		defer f.Close()
		return fs.ErrExist // somebody was faster to look at it, and takes it for a leftover
	}
	reserved.Store(path, f)
	return nil
}

// Release gives up a file that was reserved and not taken over, or its remains.
func Release(path string) {
	if f, ok := reserved.LoadAndDelete(path); ok {
		f.(*os.File).Close()
	}
	os.Remove(path + Suffix)
}

// Path is the name the file will have.
func (f *File) Path() string { return f.path }

// Commit makes the file durable and gives it its name, replacing what had it.
func (f *File) Commit() error { return f.commit(os.Rename) }

// CommitNew is Commit, but fails with fs.ErrExist when the name is taken.
func (f *File) CommitNew() error {
	return f.commit(func(tmp, path string) error {
		if err := os.Link(tmp, path); err != nil {
			return err
		}
		return os.Remove(tmp)
	})
}

func (f *File) commit(name func(tmp, path string) error) error {
	if f.done {
		return errors.New("commit of a file already ended")
	}
	if err := f.Sync(); err != nil {
		f.Abort()
		return fmt.Errorf("sync %s: %w", f.Name(), err)
	}
	f.done = true
	if err := f.Close(); err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("close %s: %w", f.Name(), err)
	}
	if err := name(f.Name(), f.path); err != nil {
		os.Remove(f.Name())
		return err
	}
	return SyncDir(filepath.Dir(f.path))
}

// Abort removes what was written. It does nothing after Commit.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	f.Close()
	os.Remove(f.Name())
}

// Write writes path through fill, whole or not at all.
func Write(path string, perm fs.FileMode, fill func(io.Writer) error) error {
	f, err := Create(path, perm)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := fill(f); err != nil {
		return err
	}
	return f.Commit()
}

// WriteBytes writes data to path, whole or not at all.
func WriteBytes(path string, perm fs.FileMode, data []byte) error {
	return Write(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
