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
	switch _, link := os.Lstat(path); {
	case !f.Exists && link == nil: // a file, or a link to nowhere
		f.Unwritable = &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	case !f.Exists && !errors.Is(err, fs.ErrNotExist):
		f.Unwritable = err
	default:
		f.Unwritable = diskfull.Room(f.Parent, FolderRoom)
	}
	var disk unix.Statfs_t
	if unix.Statfs(f.Parent, &disk) == nil {
		f.Free = int64(disk.Bavail) * int64(disk.Bsize)
		f.Size = int64(disk.Blocks-disk.Bfree+disk.Bavail) * int64(disk.Bsize)
	}
	return f
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
