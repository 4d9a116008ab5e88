package doctor

import (
	"errors"
	"io/fs"
	"syscall"

	"opsdeck/internal/diskfull"
	"opsdeck/internal/human"
	"opsdeck/internal/lang"
)

// Unwritable says why nothing can be written into a folder, and which command shows more;
// err is that of a try, see diskfull.Room. Status, the plan of a restore and doctor ask it
// alike.
func Unwritable(path string, err error) (what lang.Msg, fix string) {
	see := "findmnt -T " + human.Shell(path)
	switch {
	case errors.Is(err, syscall.EROFS):
		return lang.M("the file system of %s is read-only", path), see + "; sudo dmesg | tail"
	case errors.Is(err, syscall.ESTALE):
		return lang.M("%s is on a network file system that must be mounted again (stale file handle)", path), see
	case errors.Is(err, syscall.EIO):
		return lang.M("the disk of %s reports errors", path), see + "; sudo dmesg | tail"
	case diskfull.Is(err):
		return lang.M("the disk of %s is full: no backup and no restore can run", path), "opsdeck runbook disk-full"
	case errors.Is(err, fs.ErrPermission):
		return lang.M("this user has no permission to write to %s", path), "ls -ld " + human.Shell(path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return lang.M("%s is not a folder, or its link leads nowhere", path), "ls -ld " + human.Shell(path)
	}
	return lang.M("%s cannot be written", path), see
}
