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
	f, err := trust.Open(path+Suffix, os.O_RDWR|os.O_CREATE, perm)
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
