package probe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"opsdeck/internal/diskfull"
	"opsdeck/ops/doctor"
)

// FolderRoom is what a folder that opsdeck writes to must have room for: the plan and the
// journal of a restore, and some records.
const FolderRoom = 256 << 10

// Folder looks at a folder that opsdeck writes to, and tries to write into it. It leaves
// nothing there.
func Folder(path string) doctor.Folder {
	f := doctor.Folder{Path: path, Parent: path}
	info, err := os.Stat(path)
	f.Exists = err == nil && info.IsDir()
	if f.Exists {
		f.Mode = uint32(info.Mode().Perm())
	}
	for !isFolder(f.Parent) && f.Parent != filepath.Dir(f.Parent) {
		f.Parent = filepath.Dir(f.Parent)
	}
	if f.Unwritable = NoFolder(path); f.Unwritable == nil {
		f.Unwritable = diskfull.Room(f.Parent, FolderRoom)
	}
	var disk unix.Statfs_t
	if unix.Statfs(f.Parent, &disk) == nil {
		f.Free = int64(disk.Bavail) * int64(disk.Bsize)
		f.Size = int64(disk.Blocks-disk.Bfree+disk.Bavail) * int64(disk.Bsize)
	}
	return f
}

// NoFolder tells what keeps a path from being a folder, or from becoming one: a file or a
// link to nowhere, in its place or above it. Then no record in it can be read or written,
// and none is absent. The error is a *fs.PathError of what is in the way.
func NoFolder(path string) error {
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		_, there := os.Lstat(at)
		switch info, err := os.Stat(at); {
		case err == nil && info.IsDir():
			return nil
		case there == nil && (err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP)):
			return &fs.PathError{Op: "open", Path: at, Err: syscall.ENOTDIR}
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) || at == filepath.Dir(at):
			return err
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
